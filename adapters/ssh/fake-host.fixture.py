"""
The agent on a host that a test has made of files: fake-host.fixture.py ROOT LENGTH. The agent's text comes first on the
standard input. Writing sysfs attributes does what a kernel does to the links of devices and drivers; a device may have
`host_driver`, the driver that the host would choose, and `refuses`, a driver that does not take it; it may be `given_up`, and not
be found again, or have a `next_pe` that it is found in. Where there is /dev/vfio/vfio, opening nodes and ioctls are played, too.
"""

import errno
import os
import struct
import sys

root, length = sys.argv[1], int(sys.argv[2])
agent = {"__name__": "agent"}
exec(compile(sys.stdin.buffer.read(length), "papr-agent", "exec"), agent)

DEVICES = root + "/sys/bus/pci/devices/"
DRIVERS = root + "/sys/bus/pci/drivers/"


def text_of(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def bind(address, driver):
    if not os.path.isdir(DRIVERS + driver):
        raise OSError(errno.ENOENT, "no such driver")
    if driver == "vfio-pci" and text_of(DEVICES + address + "/driver_override") != driver:
        raise OSError(errno.ENODEV, "no match")
    if text_of(DEVICES + address + "/refuses") == driver:
        raise OSError(errno.EBUSY, "refused")
    os.symlink(DRIVERS + driver, DEVICES + address + "/driver")


def remove(folder):
    if os.path.islink(folder + "/driver"):
        os.unlink(folder + "/driver")
    with open(folder + "/driver_override", "w") as file:
        file.write("(null)")
    os.makedirs(root + "/removed", exist_ok=True)
    os.rename(folder, root + "/removed/" + os.path.basename(folder))


def rescan():
    for address in os.listdir(root + "/removed"):
        if not os.path.exists(root + "/removed/" + address + "/given_up"):
            os.rename(root + "/removed/" + address, DEVICES + address)
            if os.path.exists(DEVICES + address + "/next_pe"):
                os.rename(DEVICES + address + "/next_pe", DEVICES + address + "/eeh_pe_config_addr")


def write_attribute(path, text):
    text = text.strip()
    with open(root + "/written", "a") as log:
        log.write("%s %s\n" % (path[len(root) :], text))
    name = path.split("/")[-1]
    if name == "unbind":
        os.unlink(DEVICES + text + "/driver")
    elif name == "bind":
        bind(text, path.split("/")[-2])
    elif name == "drivers_probe":
        override = text_of(DEVICES + text + "/driver_override")
        driver = text_of(DEVICES + text + "/host_driver") if override == "(null)" else override
        if driver:
            bind(text, driver)
    elif name == "remove":
        remove(os.path.dirname(path))
    elif name == "rescan":
        rescan()
    else:
        with open(path, "w") as file:
            file.write(text or "(null)")


# ---- VFIO with one edu, as far as a target asks it ----

REGION = 40
IDENTIFICATION, SOURCE = 0x00, 0x80
registers = {IDENTIFICATION: bytes.fromhex("010000ed")}


def open_node(step, known):
    return os.open("/dev/null" if os.path.exists(root + step["path"]) else root + step["path"], os.O_RDWR), None


def ioctl(step, known):
    call = (step["request"] & 0xFF) - 100
    data = bytearray(agent["patched"](step, known)) if "bytes" in step else None
    result = 0
    if call == 1:
        result = int(agent["number"](step["value"], known) in (2, 7))
    elif call == 2:
        result = -errno.EINVAL if agent["number"](step["value"], known) == 2 else 0
    elif call == 6:
        result = os.open("/dev/null", os.O_RDWR)
    elif call == 8:
        data[16:32] = struct.pack("<QQ", 0x100000, data[8] << REGION)
    elif call == 12:
        data[:] = struct.pack("<IIIIQII", 32, 1, 0, 1 << 30, 0x1211000, 2, 1)
    return result, None if data is None else bytes(data)


def pread(step, known):
    data = registers.get(agent["number"](step["offset"], known), b"").ljust(step["length"], b"\0")
    return len(data), data


def pwrite(step, known):
    data = agent["patched"](step, known)
    registers[agent["number"](step["offset"], known)] = data if step["offset"].get("plus") == "0x%x" % SOURCE else b""
    return len(data), None


if os.path.exists(root + "/dev/vfio/vfio"):
    agent["STEPS"].update(open=open_node, ioctl=ioctl, pread=pread, pwrite=pwrite)
    agent["do_pread"] = pread

agent["root"] = root
agent["write_attribute"] = write_attribute
agent["main"]()
