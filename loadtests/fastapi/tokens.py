"""Runs what the chapter on access tokens (lesson 11) says about PyJWT, and prints what was seen.

target/fastapi/bin/python loadtests/fastapi/tokens.py

Every token is signed and checked in this process; nothing leaves the machine.
"""

import time
import warnings
from typing import Any

import jwt

KEY = "0123456789abcdef" * 4


def seen(claims: dict[str, Any], header: dict[str, Any] | None = None, key: str = KEY, **asked: Any) -> str:
    """What PyJWT says to a token with a right signature."""
    token = jwt.encode(claims, key, "HS256", headers=header)
    try:
        jwt.decode(token, key, algorithms=["HS256"], **asked)
    except jwt.InvalidTokenError as error:
        return f"refused ({type(error).__name__})"
    return "accepted"


def main() -> None:
    """Tries one token for each line."""
    now = int(time.time())
    print(f"PyJWT {jwt.__version__}")
    print(f"no audience, one is named       {seen({}, audience='orders')}")
    print(f"no issuer, one is named         {seen({}, issuer='https://login.example')}")
    print(f"begins in a minute (nbf)        {seen({'nbf': now + 60})}")
    print(f"issued in a minute (iat)        {seen({'iat': now + 60})}")
    print(f"ended a second ago              {seen({'exp': now - 1})}")
    print(f"an unknown critical extension   {seen({}, header={'crit': ['b'], 'b': 1})}")
    print(f"never ends                      {seen({})}")
    print(f"ends in ten years               {seen({'iat': now, 'exp': now + 315_360_000})}")
    print(f"of another type                 {seen({}, header={'typ': 'reset'})}")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        print(f"a secret of one byte            {seen({}, key='x')}, warnings: {len(warned)}")
    print(f"a secret of no bytes            {empty()}")


def empty() -> str:
    """What PyJWT says to an empty secret."""
    try:
        return seen({}, key="")
    except jwt.InvalidKeyError as error:
        return f"refused ({type(error).__name__})"


if __name__ == "__main__":
    main()
