"""Errors of autograd itself: backward, leaves and edits, custom Functions, torch.func, compile."""
