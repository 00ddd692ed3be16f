"""``python -m deeplink`` is ``deeplink``."""

from deeplink.cli import main

if __name__ == "__main__":
    main(prog_name="deeplink")
