"""Who was lost, how many, why, and what their answers looked like before."""
