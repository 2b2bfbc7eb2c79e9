"""The healer of drifted answers: what is put back, by which evidence, and what never is."""
