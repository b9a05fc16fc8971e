"""Asks FastAPI and Pydantic what the book's claims say of them, and writes down what was seen. Takes about half a minute.

    target/fastapi/bin/python loadtests/fastapi/answers.py benches/runs/DATE-fastapi-answers.json

One function a claim, named like its `id` in `book/claims/`. Nothing is timed and nothing leaves the process: requests
go to the application through httpx's ASGI transport, and programs that must not import are started as children.

What needs a server, a clock or a database has a program of its own beside this one, which prints what it saw. They are run as
well, and their lines stand in the run file under the program's name.
"""

import asyncio
import datetime
import importlib.metadata
import json
import pathlib
import platform
import sqlite3
import subprocess
import sys
import unittest.mock
from typing import Annotated

import httpx
import pydantic_core
from fastapi import Body, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Username = Annotated[
    str,
    Field(min_length=3, max_length=20, pattern=r"^[A-Za-z0-9_]+$"),
    AfterValidator(str.lower),
]


class SignUp(BaseModel):
    username: Username
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    age: int = Field(ge=18, le=120)


def ask(app: FastAPI, method: str, path: str, **request) -> httpx.Response:
    """Sends one request to the application. A handler that raises is answered as a server would."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://peer") as client:
            return await client.request(method, path, **request)

    return asyncio.run(send())


def python(code: str, *flags: str) -> dict:
    """Runs a program: whether it ended well, what it printed, and the last line of its complaint."""
    done = subprocess.run([sys.executable, "-W", "always", *flags, "-c", code], capture_output=True, text=True)
    complaint = done.stderr.strip().splitlines()
    return {
        "ended_well": done.returncode == 0,
        "printed": done.stdout.split(),
        "warned": "Deprecat" in done.stderr,
        "last_line": complaint[-1].strip() if complaint else "",
    }


def body_is_validated() -> dict:
    app = FastAPI()

    @app.post("/sign-ups", status_code=201)
    async def sign_up(form: SignUp) -> dict[str, str]:
        return {"username": form.username}

    sound = ask(app, "POST", "/sign-ups", json={"username": "Ada", "email": "a@b.c", "age": 36})
    faulty = ask(app, "POST", "/sign-ups", json={"username": "", "email": "nowhere", "age": 7})
    return {
        "sound": [sound.status_code, sound.json()],
        "three_faults": faulty.status_code,
        "named": [error["loc"][-1] for error in faulty.json()["detail"]],
        "values_repeated": [error["input"] for error in faulty.json()["detail"]],
    }


def a_model_in_hand_is_sound() -> dict:
    form = SignUp(username="ada", email="a@b.c", age=36)
    form.username = ""
    return {"model_construct": SignUp.model_construct(username="").username, "assigned": form.username}


def v1_validators() -> dict:
    field = "from pydantic import BaseModel, validator\nclass A(BaseModel):\n  u: str\n  @validator('u')\n  def f(cls, v): return v"
    root = "from pydantic import BaseModel, root_validator\nclass A(BaseModel):\n  u: str\n  @root_validator\n  def f(cls, v): return v"
    config = "from pydantic import BaseModel\nclass A(BaseModel):\n  u: str\n  class Config:\n    from_attributes = True"
    return {"validator": python(field), "root_validator": python(root), "class_config": python(config)}


def assert_isalnum() -> dict:
    code = (
        "from pydantic import BaseModel, field_validator\n"
        "class A(BaseModel):\n  u: str\n  @field_validator('u')\n  @classmethod\n"
        "  def f(cls, v):\n    assert v.isalnum()\n    return v\n"
        "for u in ['<script>', '\\u0430da']:\n"
        "  try: print('taken' if A(u=u) else '')\n"
        "  except ValueError: print('refused')"
    )
    return {"python": python(code)["printed"], "python -O": python(code, "-O")["printed"]}


def nested_models() -> dict:
    class Address(BaseModel):
        city: str = Field(min_length=1)

    class Person(BaseModel):
        address: Address

    app = FastAPI()

    @app.post("/people")
    async def make(person: Person) -> dict[str, str]:
        return {"city": person.address.city}

    answer = ask(app, "POST", "/people", json={"address": {"city": ""}})
    return {"status": answer.status_code, "loc": answer.json()["detail"][0]["loc"]}


class UserResponse(BaseModel):
    id: int
    name: str


def first_with_a_response_model() -> dict:
    app = FastAPI()
    users: list[UserResponse] = []

    @app.get("/users/{user_id}", response_model=UserResponse)
    async def get_user(user_id: int) -> UserResponse | None:
        return next((user for user in users if user.id == user_id), None)

    answer = ask(app, "GET", "/users/1")
    return {"status": answer.status_code, "body": answer.text}


def duplicate_is_a_conflict() -> dict:
    app = FastAPI()
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("CREATE TABLE users (email TEXT UNIQUE)")

    @app.post("/users", status_code=201)
    async def create_user(email: Annotated[str, Body(embed=True)]) -> dict[str, str]:
        database.execute("INSERT INTO users VALUES (?)", (email,))
        return {"email": email}

    answers = [ask(app, "POST", "/users", json={"email": "a@b.c"}) for _ in range(2)]
    return {"statuses": [answer.status_code for answer in answers], "second": answers[1].text}


def unhandled_exception() -> dict:
    app = FastAPI()

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("the table archived_notes is missing")

    answer = ask(app, "GET", "/fails")
    return {"status": answer.status_code, "body": answer.text, "type": answer.headers["content-type"]}


class NewUser(BaseModel):
    name: str
    password: str
    bio: str | None = None


class ClosedNewUser(NewUser):
    model_config = ConfigDict(extra="forbid")


ADA = {"name": "Ada", "password": "correct horse"}


def returns_its_input() -> dict:
    app = FastAPI()

    @app.post("/users")
    async def create_user(user: NewUser) -> NewUser:
        return user

    return {"body": ask(app, "POST", "/users", json=ADA).json()}


def response_model_excludes_the_password() -> dict:
    app = FastAPI()
    row = {"id": 1, "name": "Ada", "password_hash": "$argon2id$"}

    @app.get("/users/1", response_model=UserResponse)
    async def declared() -> dict:
        return row

    @app.get("/users")
    async def undeclared() -> list[dict]:
        return [row]

    return {"declared": ask(app, "GET", "/users/1").json(), "undeclared": ask(app, "GET", "/users").json()}


def body_takes_only_its_fields() -> dict:
    app = FastAPI()

    @app.post("/open")
    async def open_model(user: NewUser) -> list[str]:
        return sorted(user.model_dump())

    @app.post("/closed")
    async def closed_model(user: ClosedNewUser) -> list[str]:
        return sorted(user.model_dump())

    extra = ADA | {"role": "admin"}
    closed = ask(app, "POST", "/closed", json=extra)
    return {
        "open": [ask(app, "POST", "/open", json=extra).status_code, ask(app, "POST", "/open", json=extra).json()],
        "closed": [closed.status_code, closed.json()["detail"][0]["loc"]],
    }


def row_from_the_dict() -> dict:
    code = (
        "from pydantic import BaseModel\n"
        "class A(BaseModel):\n  name: str\n  password: str\n"
        "a = A(name='ada', password='secret')\n"
        "print(*a.dict().values())"
    )
    return python(code)


def patch_with_optional() -> dict:
    class Change(BaseModel):
        bio: str | None = None

    read = [Change.model_validate_json(text) for text in ("{}", '{"bio": null}')]
    return {
        "attribute": [change.bio for change in read],
        "exclude_unset": [change.model_dump(exclude_unset=True) for change in read],
    }


def bodies_are_bounded() -> dict:
    app = FastAPI()

    @app.post("/json")
    async def read_json(user: NewUser) -> int:
        return len(user.name)

    @app.put("/raw")
    async def read_raw(request: Request) -> int:
        return len(await request.body())

    mib = 3 * 1024 * 1024
    return {
        "json": ask(app, "POST", "/json", json=ADA | {"name": "a" * mib}).status_code,
        "raw": ask(app, "PUT", "/raw", content=b"a" * mib).status_code,
    }


def pydantic_is_cython() -> dict:
    core = pathlib.Path(pydantic_core._pydantic_core.__file__).read_bytes()
    return {"core_names_rustc": b"rustc" in core, "core_names_cython": b"cython" in core.lower()}


def orjson_response() -> dict:
    # orjson itself is not installed here, so making the response ends in an error; it has warned by then.
    code = "from fastapi.responses import ORJSONResponse\ntry: ORJSONResponse({})\nexcept AssertionError: print('made')"
    app = FastAPI()

    @app.get("/typed")
    async def typed() -> UserResponse:
        return UserResponse(id=1, name="Ada")

    @app.get("/untyped")
    async def untyped():
        return {"id": 1, "name": "Ada"}

    with unittest.mock.patch.object(JSONResponse, "render", autospec=True, side_effect=JSONResponse.render) as render:
        answers = {}
        for path in ("typed", "untyped"):
            render.reset_mock()
            body = ask(app, "GET", f"/{path}").json()
            answers[path] = {"body": body, "renders_of_the_response_class": render.call_count}
    return {"orjson": python(code), **answers}

def bearer_without_a_header() -> dict:
    app = FastAPI()

    @app.get("/profile")
    async def profile(token: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
        return token.scheme

    answer = ask(app, "GET", "/profile")
    return {"status": answer.status_code, "www_authenticate": answer.headers.get("www-authenticate")}


def gunicorn_with_uvicorn_workers() -> dict:
    # gunicorn is not installed here: two empty stand-ins let the module be imported, which is all that is asked of it.
    code = (
        "import sys, types\n"
        "for name in ('gunicorn', 'gunicorn.arbiter', 'gunicorn.workers', 'gunicorn.workers.base'):\n"
        "  sys.modules[name] = types.ModuleType(name)\n"
        "sys.modules['gunicorn.arbiter'].Arbiter = sys.modules['gunicorn.workers.base'].Worker = object\n"
        "import uvicorn.workers"
    )
    help_text = subprocess.run([sys.executable, "-m", "uvicorn", "--help"], capture_output=True, text=True).stdout
    return {"import": python(code), "uvicorn_has_workers": "--workers INTEGER" in help_text}



PACKAGES = ("fastapi", "starlette", "pydantic", "pydantic-settings", "uvicorn", "httpx", "requests", "SQLAlchemy")

CLAIMS = [
    body_is_validated,
    a_model_in_hand_is_sound,
    v1_validators,
    assert_isalnum,
    nested_models,
    first_with_a_response_model,
    duplicate_is_a_conflict,
    unhandled_exception,
    returns_its_input,
    response_model_excludes_the_password,
    body_takes_only_its_fields,
    row_from_the_dict,
    patch_with_optional,
    bodies_are_bounded,
    pydantic_is_cython,
    orjson_response,
    bearer_without_a_header,
    gunicorn_with_uvicorn_workers,
]

# Programs that print what they saw. `connections.py` is a part of `cargo load fastapi` and is recorded there.
PRINTING = ["afterwards.py", "dependencies.py", "queries.py", "settings.py", "tokens.py", "waits.py"]


def printed(program: str) -> list[str]:
    """The lines that a program beside this one prints."""
    path = pathlib.Path(__file__).with_name(program)
    done = subprocess.run([sys.executable, path], stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return [line.rstrip() for line in done.stdout.splitlines()]


def main() -> None:
    run = {
        "schema": 1,
        "recorded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        "answers": {claim.__name__.replace("_", "-"): claim() for claim in CLAIMS},
        "printed": {program: printed(program) for program in PRINTING},
    }
    pathlib.Path(sys.argv[1]).write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
