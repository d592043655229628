"""`python -m izumi` is `izumi`."""

from izumi.main import run

if __name__ == "__main__":
    run()
