"""What saltext-jumpcloud lists of a console: run by its own interpreter with the URL and the key in the environment."""

import json
import os

from saltext.jumpcloud.modules import jumpcloud_mod as jumpcloud

URL, KEY = os.environ["CONSOLE_URL"], os.environ["CONSOLE_KEY"]
# What Salt's loader puts into a module.
jumpcloud.__salt__ = {"config.get": lambda _: {"api_key": KEY, "console_url": URL, "retries": 0}}


def ids(rows, field="id"):
    return sorted(row[field] for row in rows)


users, groups = jumpcloud.list_("systemusers"), jumpcloud.list_("usergroups")
devices, device_groups = jumpcloud.list_("systems"), jumpcloud.list_("systemgroups")
applications = jumpcloud.list_("applications")


def found(resource, rows, id_field, name_field):
    """The id of each row, and the ids that are found by its name. A comma separates filters, and this client does not quote it."""
    rows = [row for row in rows if "," not in row[name_field]]
    return [(row[id_field], ids(jumpcloud.list_(resource, name=row[name_field]), id_field)) for row in rows]


edges = {group["id"]: jumpcloud.associations("usergroups", resource_id=group["id"]) for group in groups}
json.dump(
    {
        "users": ids(users, "_id"),
        "groups": ids(groups),
        "devices": ids(devices, "_id"),
        "members": {
            group["id"]: sorted(member["to"]["id"] for member in jumpcloud.members("usergroups", resource_id=group["id"]))
            for group in groups
        },
        "found by name": {
            "systemusers": found("systemusers", users[::40], "_id", "username"),
            "systems": found("systems", devices[::20], "_id", "displayName"),
            "applications": found("applications", applications[:3], "_id", "displayName"),
            "usergroups": found("usergroups", groups[::4], "id", "name"),
            "systemgroups": found("systemgroups", device_groups, "id", "name"),
        },
        "associations": {
            group: sorted((edge["to"]["type"], edge["to"]["id"]) for edge in edges) for group, edges in edges.items()
        },
    },
    open(os.environ["LISTS"], "w"),
)
