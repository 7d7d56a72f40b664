"""Human3.6M (Ionescu et al. 2014) in the forms in which people have it on disk."""
