"""Score detectors of nodules, find what they miss, and train them; only training needs torch and torchvision."""
