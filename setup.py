"""Finds the packages, and README's links; all else is in setup.cfg, which cannot."""

import configparser
import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent


def long_description(source):
  """README for a package index, which knows no relative links.

  They lead to the repository at `source`; while there is none, their words stay.
  """
  text = (ROOT / 'README.md').read_text(encoding='utf-8')
  image = rf'![\1]({source}/raw/main/\2)' if source else ''
  link = rf'[\1]({source}/blob/main/\2)' if source else r'\1'
  text = re.sub(r'!\[([^]]*)\]\((?!http)([^)]+)\)', image, text)
  return re.sub(r'(?<!!)\[([^]]*)\]\((?!http|#)([^)]+)\)', link, text)


def source():
  """The repository's address in setup.cfg, or ''."""
  config = configparser.ConfigParser()
  config.read(ROOT / 'setup.cfg')
  urls = config['metadata'].get('project_urls', '').splitlines()
  pairs = [line.partition('=') for line in urls]
  return {key.strip(): value.strip() for key, _, value in pairs}.get('Source', '')


setup(
  packages=[*find_packages(include=['wild3d', 'wild3d.*']), 'wild3d.configs'],
  # configs/ stands at the top for its readers and is installed as wild3d.configs.
  package_dir={'wild3d.configs': 'configs'},
  long_description=long_description(source()),
  long_description_content_type='text/markdown',
)
