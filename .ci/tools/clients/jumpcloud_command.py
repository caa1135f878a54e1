"""What the command `jumpcloud` lists of a console: run by its own interpreter with the URL and the key in the environment."""

import contextlib
import io
import json
import os
import re

URL, KEY = os.environ["CONSOLE_URL"], os.environ["CONSOLE_KEY"]
os.environ["JUMPCLOUD_API_KEY"] = KEY

import requests
from jumpcloud import jumpcloud

# It knows JumpCloud's own address alone.
get = requests.get
requests.get = lambda url, **options: get(url.replace("https://console.jumpcloud.com", URL), **options)


def printed(command, *arguments):
    """The ids with which the lines that a command prints begin; a name can have lines of its own."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        command(*arguments)
    return sorted(re.findall(r"^[0-9a-f]{24}\b", output.getvalue(), re.MULTILINE))


def members(groups):
    """The members of groups. It asks for the address of each, and fails where one is a group."""
    for group in groups:
        with contextlib.suppress(KeyError):
            yield group, printed(jumpcloud.list_usergroups_members, [group])


groups = printed(jumpcloud.list_usergroups)
devices = printed(jumpcloud.list_systems_hostname)
json.dump(
    {
        "users": printed(jumpcloud.list_users),
        "groups": groups,
        "devices": devices,
        "members": dict(members(groups[2:10])),
        "users of devices": {device: printed(jumpcloud.list_user_bindings, [device]) for device in devices[:10]},
    },
    open(os.environ["LISTS"], "w"),
)
