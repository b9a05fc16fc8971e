"""Runs what chapter 24 says about pydantic-settings, and prints what was seen.

target/fastapi/bin/python loadtests/fastapi/settings.py
"""

import os

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Plain(BaseSettings):
    """As most tutorials have it."""

    SECRET_KEY: str
    POOL: int = 4


class Settings(BaseSettings):
    """As chapter 24 has it."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", hide_input_in_errors=True)

    signing_key: SecretStr = Field(min_length=32)
    vat_percent: int = Field(ge=0, le=30)
    pool: int = Field(default=4, ge=1, le=64)


def faults(variables: dict[str, str]) -> str:
    """What the start says with these variables."""
    os.environ.update(variables)
    try:
        return repr(Settings())
    except ValidationError as error:
        return f"{error.error_count()} faults: {', '.join(str(fault['loc'][0]) for fault in error.errors())}"
    finally:
        for name in variables:
            del os.environ[name]


KEY = "w3Qn8TzL5cVb1XyR7mKd0HsPf6gJu2Ea"
GOOD = {"SHOP_SIGNING_KEY": KEY, "SHOP_VAT_PERCENT": "19"}

if __name__ == "__main__":
    os.environ["SECRET_KEY"] = "x"
    print("a key of one byte, printed:", repr(Plain()))
    print("three faulty settings:     ", faults({"SHOP_VAT_PERCENT": "19%", "SHOP_POOL": "many"}))
    print("good settings, printed:    ", faults(GOOD))
    print("a variable misspelt:       ", faults(GOOD | {"SHOP_POOL_SIZE": "12"}))
