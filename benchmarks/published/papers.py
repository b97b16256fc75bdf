"""What the papers published, as printed there; mean, or mean ± standard deviation, over their own images."""

from __future__ import annotations

MARK = "published, other data: "  # before the names of the papers' rows
OTHER_DATA = (
    "published: the paper's figures, measured on other images; only the order of methods can be compared, not the "
    "values"
)

# Table 1 of Belli et al., Chest X-Rays Image Inpainting with Context Encoders, 2018: 880 healthy patches of
# ChestX-ray14, and 33 with an abnormality in the middle.
BELLI = {
    "healthy": {"psnr": "30.88 ± 3.61", "mse": "79.20 ± 129.16", "ssim": "0.81 ± 0.09"},
    "unhealthy": {"psnr": "27.06 ± 3.25", "mse": "164.82 ± 122.95", "ssim": "0.76 ± 0.08"},
}

# Table I of Armanious et al., Adversarial Inpainting of Medical Image Modalities, 2019: CT of the brain region of 10
# volunteers, T2 FLAIR MR of the heads of 11 patients.
ARMANIOUS = {
    "ct": {
        "CE": {"ssim": "0.6235", "psnr": "19.07", "mse": "1260.2", "uqi": "0.9307"},
        "GLCIC": {"ssim": "0.7137", "psnr": "22.18", "mse": "1169.1", "uqi": "0.9290"},
        "MedGAN": {"ssim": "0.8044", "psnr": "29.74", "mse": "368.9", "uqi": "0.9681"},
        "ip-MedGAN": {"ssim": "0.8346", "psnr": "31.45", "mse": "284.4", "uqi": "0.9737"},
    },
    "mr": {
        "CE": {"ssim": "0.1383", "psnr": "14.29", "mse": "2624.7", "uqi": "0.8492"},
        "GLCIC": {"ssim": "0.2287", "psnr": "15.01", "mse": "2286.6", "uqi": "0.8229"},
        "MedGAN": {"ssim": "0.3034", "psnr": "15.91", "mse": "1809.5", "uqi": "0.7830"},
        "ip-MedGAN": {"ssim": "0.3818", "psnr": "18.32", "mse": "1121.2", "uqi": "0.9262"},
    },
}
