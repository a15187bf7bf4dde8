#!/usr/bin/env python3
"""A mail server for mail.py, by aiosmtpd: mail_server.py EVENTS [--cert FILE --key FILE [--tls]] [--user NAME --password TEXT]

Prints its port and appends a JSON line per event to EVENTS. What it does with a mail depends on the recipient: later@ is greylisted
with 451 at first, never@ is 550, relay@ is 554 5.7.1 at first, spam@ is 554 after the text at first, cut@ loses its connection after the text at first; others get through.
"""
import argparse
import asyncio
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

options = argparse.ArgumentParser()
options.add_argument("events")
options.add_argument("--cert")
options.add_argument("--key")
options.add_argument("--tls", action="store_true", help="from the first byte, instead of STARTTLS")
options.add_argument("--user")
options.add_argument("--password")
options = options.parse_args()
seen = set()


def event(kind, session, **more):
    with open(options.events, "a", encoding="utf-8") as out:
        out.write(json.dumps({"event": kind, "peer": list(session.peer)[:2], "tls": session.ssl is not None or options.tls, **more}) + "\n")


def first(address):
    known = address in seen
    seen.add(address)
    return not known


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        event("rcpt", session, to=address)
        if address.startswith("later@") and first(address):
            return "451 4.7.1 Greylisted, come again"
        if address.startswith("relay@") and first(address):
            return "554 5.7.1 Relay access denied"
        if address.startswith("never@"):
            return "550 5.1.1 Nobody of that name\t\x1b[31m"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        event("mail", session, sender=envelope.mail_from, to=to, text=envelope.original_content.decode("latin1"),
              user=getattr(session.auth_data, "login", b"").decode() if session.authenticated else None)
        if to.startswith("spam@") and first(to):
            return "554 5.7.1 This looks like spam"
        if to.startswith("cut@") and first(to):
            server.transport.abort()
            await asyncio.sleep(3600)
        return "250 2.0.0 Taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == options.user.encode() and data.password == options.password.encode()
    event("auth", session, mechanism=mechanism, good=good)
    return AuthResult(success=good, handled=False, auth_data=data)


async def main():
    context = None
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
    # With implicit TLS aiosmtpd does not know that it is safe to sign in.
    more = {"auth_required": True, "authenticator": authenticate, "auth_require_tls": not options.tls} if options.user else {}
    if context and not options.tls:
        more.update(tls_context=context, require_starttls=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="mx.example.net", loop=loop, **more), "127.0.0.1", 0,
                                      ssl=context if options.tls else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
