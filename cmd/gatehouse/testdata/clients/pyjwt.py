# Verifies an access token with Debian's PyJWT. It reads and writes what the clients of Node.js do.
import json
import sys

import jwt

given = json.load(sys.stdin)
keys = jwt.PyJWKClient(given["issuer"] + "/oauth2/jwks")


def verify(token, audience=given["issuer"]):
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token).key,
        algorithms=[given["algorithm"]],
        issuer=given["issuer"],
        audience=audience,
        options={"require": ["sub", "client_id", "iat", "exp", "jti", "scope", "iss", "aud"]},
    )


def failure(*args):
    try:
        verify(*args)
    except jwt.PyJWTError as error:
        return type(error).__name__
    return None


claims = verify(given["token"])
print(json.dumps({
    "algorithm": jwt.get_unverified_header(given["token"])["alg"],
    "scope": claims["scope"],
    "subject": claims["sub"],
    "lifetime": claims["exp"] - claims["iat"],
    "refused": [failure(token) is not None for token in given["altered"]],
    "otherAudience": failure(given["token"], "https://else.example"),
}))
