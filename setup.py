"""Finds the packages; all else is in setup.cfg, which cannot say the second line."""

from setuptools import find_packages, setup

setup(
  packages=[*find_packages(include=['wild3d', 'wild3d.*']), 'wild3d.configs'],
  # configs/ stands at the top for its readers and is installed as wild3d.configs.
  package_dir={'wild3d.configs': 'configs'},
)
