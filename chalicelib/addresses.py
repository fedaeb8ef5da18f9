"""Addresses: which of the internet's are public, so that nothing sent to one of them can end within a network."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

# https://www.iana.org/assignments/iana-ipv4-special-registry, and what no host has: groups and the reserved block.
_NOT_PUBLIC_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # behind a carrier's NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, with the cloud's metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocols
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)

# The only block of which hosts have addresses. What wraps an IPv4 address (mapped, compatible, both NAT64 prefixes),
# unique-local, link-local, site-local and multicast addresses all lie outside.
_UNICAST_6: Final = IPv6Network("2000::/3")

# https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it lies within.
_NOT_PUBLIC_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address, as `socket` writes one, is a host's on the open internet.

    An IPv6 address that leads to an IPv4 one is not, whichever that is. Python's own `is_global` is no help: in 3.11 it
    takes NAT64, 6to4, IPv4-compatible, site-local and multicast addresses for global.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    # With a zone it is an address on one link.
    return found.scope_id is None and found in _UNICAST_6 and not any(found in network for network in _NOT_PUBLIC_6)
