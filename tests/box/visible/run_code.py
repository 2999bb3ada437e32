"""A handler for boxes under test: runs the source it is sent and returns its `result`."""


def reply(request, body, namespace):
    names = {"body": body, **request.get("names", {})}
    exec(compile(request["source"], "<sent>", "exec"), names)
    return {"result": names.get("result")}, b""
