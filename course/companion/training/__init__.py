"""What is wrong with a step beside its gradients: its order, rates, modes, targets and factors."""
