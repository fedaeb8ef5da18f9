"""An OpenID Connect issuer on loopback: discovery, keys, and tokens with any claim bent."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm

AUDIENCE = "groundcrew"
KID = "test-key"

KEY = ec.generate_private_key(ec.SECP256R1())
STRANGERS_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        public = json.loads(ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": KID, "alg": "ES256", "use": "sig"}
        answers: dict[str, object] = {
            "/.well-known/openid-configuration": {"issuer": URL, "jwks_uri": f"{URL}/jwks"},
            "/jwks": {"keys": [public]},
        }
        body = json.dumps(answers[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


_server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
URL = f"http://127.0.0.1:{_server.server_port}"
threading.Thread(target=_server.serve_forever, daemon=True).start()


def claims(**bent: Any) -> dict[str, Any]:
    """What a good admin's token says, but for what is bent; None leaves a claim out."""
    now = int(time.time())
    good: dict[str, Any] = {
        "iss": URL,
        "aud": AUDIENCE,
        "sub": "admin-1",
        "iat": now,
        "exp": now + 600,
        "cognito:groups": ["admin"],
    }
    return {name: value for name, value in (good | bent).items() if value is not None}


def token(
    *, key: Any = KEY, algorithm: str = "ES256", kid: str | None = KID, groups: Any = ("admin",), **bent: Any
) -> str:
    """A signed token."""
    bent["cognito:groups"] = groups
    return jwt.encode(claims(**bent), key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})
