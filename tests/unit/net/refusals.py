"""What is no request, and how it must be refused: (name, status or set of them, bytes). For any server of ours: server_test.py
shows them to net/ alone, tests/service/transport.py to the whole service.
"""


def request(line='GET /hello HTTP/1.1', *fields, host=True, body=b''):
    head = line.encode('latin1') + b'\r\n'
    if host:
        head += b'Host: localhost\r\n'
    for f in fields:
        head += (f.encode('latin1') if isinstance(f, str) else f) + b'\r\n'
    return head + b'\r\n' + body


GOOD = request()
POST = 'POST /echo HTTP/1.1'
TE = 'Transfer-Encoding: chunked'
REFUSED = [
    # smuggling: two readers, two opinions about where a request ends
    ('CL and TE', 400, request(POST, 'Content-Length: 4', TE, body=b'0\r\n\r\n')),
    ('TE and CL', 400, request(POST, TE, 'Content-Length: 4', body=b'0\r\n\r\n')),
    ('two CL that differ', 400, request(POST, 'Content-Length: 3', 'Content-Length: 4', body=b'abcd')),
    ('two CL that agree', 400, request(POST, 'Content-Length: 4', 'Content-Length: 4', body=b'abcd')),
    ('CL as a list', 400, request(POST, 'Content-Length: 4, 4', body=b'abcd')),
    ('CL with a plus', 400, request(POST, 'Content-Length: +4', body=b'abcd')),
    ('CL negative', 400, request(POST, 'Content-Length: -4', body=b'abcd')),
    ('CL hexadecimal', 400, request(POST, 'Content-Length: 0x4', body=b'abcd')),
    ('CL with a space', 400, request(POST, 'Content-Length: 4 4', body=b'abcd')),
    ('CL empty', 400, request(POST, 'Content-Length:', body=b'abcd')),
    ('CL beyond 64 bits', 400, request(POST, 'Content-Length: 99999999999999999999', body=b'abcd')),
    ('CL with a space before the colon', 400, request(POST, 'Content-Length : 4', body=b'abcd')),
    ('TE with a space before the colon', 400, request(POST, 'Transfer-Encoding : chunked', body=b'0\r\n\r\n')),
    ('TE unknown', 501, request(POST, 'Transfer-Encoding: xchunked', body=b'0\r\n\r\n')),
    ('TE identity', 501, request(POST, 'Transfer-Encoding: identity', body=b'')),
    ('TE gzip, chunked', 501, request(POST, 'Transfer-Encoding: gzip, chunked', body=b'0\r\n\r\n')),
    ('TE chunked, identity', {400, 501}, request(POST, 'Transfer-Encoding: chunked, identity', body=b'0\r\n\r\n')),
    ('TE twice', 400, request(POST, TE, TE, body=b'0\r\n\r\n')),
    ('TE twice, one other', 400, request(POST, TE, 'Transfer-Encoding: x', body=b'0\r\n\r\n')),
    ('TE with a vertical tab', 400, request(POST, 'Transfer-Encoding: \x0bchunked', body=b'0\r\n\r\n')),
    ('TE quoted', 501, request(POST, 'Transfer-Encoding: "chunked"', body=b'0\r\n\r\n')),
    ('TE in HTTP/1.0', 400, request('POST /echo HTTP/1.0', TE, body=b'0\r\n\r\n')),
    ('TE empty', {400, 501}, request(POST, 'Transfer-Encoding:', body=b'')),
    ('bytes after Connection: close', 400, request('GET /hello HTTP/1.1', 'Connection: close')),
    ('bytes after HTTP/1.0', 400, request('GET /hello HTTP/1.0')),
    # lines
    ('bare LF', 400, b'GET /hello HTTP/1.1\nHost: a\n\n'),
    ('LF after a field', 400, b'GET /hello HTTP/1.1\r\nHost: a\nX: y\r\n\r\n'),
    ('LF at the end of the head', 400, b'GET /hello HTTP/1.1\r\nHost: a\r\n\n'),
    ('bare CR in a value', 400, request('GET /hello HTTP/1.1', 'X: a\rb')),
    ('bare CR between fields', 400, b'GET /hello HTTP/1.1\r\nHost: a\rX: y\r\n\r\n'),
    ('CR LF CR X', 400, b'GET /hello HTTP/1.1\r\nHost: a\r\n\rX'),
    ('CR CR LF', 400, b'GET /hello HTTP/1.1\r\nHost: a\r\r\n\r\n'),
    ('CR in the request line', 400, b'GET /hello\r HTTP/1.1\r\nHost: a\r\n\r\n'),
    ('folded by a space', 400, request('GET /hello HTTP/1.1', 'X: a\r\n b')),
    ('folded by a tab', 400, request('GET /hello HTTP/1.1', 'X: a\r\n\tb')),
    ('folded TE', 400, request(POST, 'Transfer-Encoding:\r\n chunked', body=b'0\r\n\r\n')),
    ('space before the first field', 400, b'GET /hello HTTP/1.1\r\n Host: a\r\n\r\n'),
    ('two empty lines first', 400, b'\r\n\r\n' + GOOD),
    # fields
    ('no Host', 400, request(host=False)),
    ('two Hosts', 400, request('GET /hello HTTP/1.1', 'Host: other')),
    ('the same Host twice', 400, request('GET /hello HTTP/1.1', 'Host: localhost')),
    ('two Hosts in HTTP/1.0', 400, request('GET /hello HTTP/1.0', 'Host: other')),
    ('Host empty', 400, request('GET /hello HTTP/1.1', 'Host:', host=False)),
    ('Host with a slash', 400, request('GET /hello HTTP/1.1', 'Host: a/b', host=False)),
    ('Host with a space', 400, request('GET /hello HTTP/1.1', 'Host: a b', host=False)),
    ('Host with user', 400, request('GET /hello HTTP/1.1', 'Host: u@b', host=False)),
    ('no field name', 400, request('GET /hello HTTP/1.1', ': x')),
    ('no colon', 400, request('GET /hello HTTP/1.1', 'X')),
    ('space in a field name', 400, request('GET /hello HTTP/1.1', 'X Y: z')),
    ('control in a field name', 400, request('GET /hello HTTP/1.1', b'X\x01: z')),
    ('8 bits in a field name', 400, request('GET /hello HTTP/1.1', b'X\xe4: z')),
    ('NUL in a value', 400, request('GET /hello HTTP/1.1', b'X: a\0b')),
    ('DEL in a value', 400, request('GET /hello HTTP/1.1', b'X: a\x7fb')),
    ('two Authorizations', 400, request('GET /hello HTTP/1.1', 'Authorization: a', 'Authorization: b')),
    ('two Content-Types', 400, request(POST, 'Content-Type: a/b', 'Content-Type: c/d', 'Content-Length: 0')),
    ('too many fields', 431, request('GET /hello HTTP/1.1', *[f'X-{i}: y' for i in range(100)])),
    ('a field too long', 431, request('GET /hello HTTP/1.1', 'X: ' + 'y' * 17000)),
    ('fields too long', 431, request('GET /hello HTTP/1.1', *[f'X-{i}: ' + 'y' * 1000 for i in range(20)])),
    ('an unknown expectation', 417, request(POST, 'Expect: tea', 'Content-Length: 1', body=b'a')),
    # request line
    ('a line too long', 414, request('GET /' + 'a' * 9000 + ' HTTP/1.1')),
    ('a line too long without end', 414, b'GET /' + b'a' * 9000),
    ('HTTP/2.0', 505, request('GET /hello HTTP/2.0')),
    ('HTTP/2 preface', {400, 501, 505}, b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    ('HTTP/1.2', {400, 505}, request('GET /hello HTTP/1.2')),
    ('HTTP/0.9', {400, 505}, b'GET /hello HTTP/0.9\r\n\r\n'),
    ('no version', {400, 505}, b'GET /hello\r\n\r\n'),
    ('version in lower case', {400, 505}, request('GET /hello http/1.1')),
    ('HTTP/1.1 with words behind', {400, 505}, request('GET /hello HTTP/1.1 x')),
    ('HTTP/11', {400, 505}, request('GET /hello HTTP/11')),
    ('an unknown method', 501, request('BREW /hello HTTP/1.1')),
    ('a method of WebDAV', 501, request('PROPFIND /hello HTTP/1.1')),
    ('CONNECT', {400, 501}, request('CONNECT localhost:80 HTTP/1.1')),
    ('a method in lower case', 501, request('get /hello HTTP/1.1')),
    ('two spaces', 400, request('GET  /hello HTTP/1.1')),
    ('a tab for a space', {400, 501}, request('GET\t/hello HTTP/1.1')),
    ('a target without slash', 400, request('GET hello HTTP/1.1')),
    ('a star that is no OPTIONS', 400, request('GET * HTTP/1.1')),
    ('NUL in the target', 400, request('GET /a\0b HTTP/1.1')),
    ('8 bits in the target', 400, request('GET /\xe4 HTTP/1.1')),
    ('a fragment in the target', 400, request('GET /a#b HTTP/1.1')),
    ('a URL of another host', 400, request('GET http://other/hello HTTP/1.1')),
    ('a URL without a host', 400, request('GET http:///hello HTTP/1.1')),
    ('a URL of another scheme', 400, request('GET ftp://localhost/hello HTTP/1.1')),
    ('TLS on a plain port', {400, 501}, bytes.fromhex('160301020001fc0303') + b'\0' * 40 + b'\r\n\r\n'),
    ('garbage', {400, 501}, b'\x00\x01\x02\x03\r\n\r\n'),
    ('a response', {400, 501}, b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    # bodies
    ('a body too large by its length', 413, request(POST, f'Content-Length: {2 << 20}')),
    ('a chunk size that is none', 400, request(POST, TE, body=b'x\r\n')),
    ('a chunk size negative', 400, request(POST, TE, body=b'-1\r\n')),
    ('a chunk size with 0x', 400, request(POST, TE, body=b'0x1\r\na\r\n0\r\n\r\n')),
    ('a chunk size beyond 32 bits', 400, request(POST, TE, body=b'100000000\r\n')),
    ('a chunk size with a space', 400, request(POST, TE, body=b'1 \r\na\r\n0\r\n\r\n')),
    ('a chunk size empty', 400, request(POST, TE, body=b'\r\na\r\n')),
    ('a chunk size and LF', 400, request(POST, TE, body=b'1\na\r\n0\r\n\r\n')),
    ('a chunk extension', 400, request(POST, TE, body=b'1;a=b\r\na\r\n0\r\n\r\n')),
    ('a chunk longer than it says', 400, request(POST, TE, body=b'1\r\nab\r\n0\r\n\r\n')),
    ('a chunk ended by LF', 400, request(POST, TE, body=b'1\r\na\n0\r\n\r\n')),
    ('chunks with a trailer', 400, request(POST, TE, body=b'1\r\na\r\n0\r\nX: y\r\n\r\n')),
    ('chunks ended by CR X', 400, request(POST, TE, body=b'1\r\na\r\n0\r\n\rX')),
]
