"""MPI-INF-3DHP (Mehta et al. 2017): its training sequences and its test set."""
