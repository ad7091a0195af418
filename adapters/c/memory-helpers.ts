/** Memory of the program's own: a bad address is an error, where touching it would be death. */
export const MEMORY_HELPERS: readonly string[] = [
  `/* Through the kernel, which says EFAULT of a bad address. */
static int64_t through_kernel(bool store, uint64_t address, void *memory, size_t length)
{
	struct iovec near = { memory, length }, far = { (void *)address, length };
	ssize_t moved = store ? process_vm_writev(getpid(), &near, 1, &far, 1, 0)
			      : process_vm_readv(getpid(), &near, 1, &far, 1, 0);

	return moved >= 0 && (size_t)moved < length ? -EFAULT : answer(moved);
}`,
  `static int64_t fill_memory(uint64_t address, size_t length, int byte)
{
	static unsigned char memory[65536];

	memset(memory, byte, length);
	return through_kernel(true, address, memory, length);
}`,
  `static int64_t store_memory(struct outcome *outcome, uint64_t address, size_t length)
{
	return through_kernel(true, address, outcome->data, length);
}`,
  `static int64_t load_memory(struct outcome *outcome, uint64_t address, size_t length)
{
	return through_kernel(false, address, outcome->data, length);
}`,
  `/* One store of 8 bytes to a register of a device that is mapped. */
static int64_t store_register(const struct outcome *outcome, uint64_t address)
{
	uint64_t word;

	memcpy(&word, outcome->data, sizeof(word));
	*(volatile uint64_t *)address = word;
	return 0;
}`,
  `/* A file in memory, without a name in any folder. */
static int64_t memory_file(uint64_t length, unsigned int flags)
{
	int fd = memfd_create("repro", flags);

	return fd >= 0 && ftruncate(fd, (off_t)length) != 0 ? -errno : answer(fd);
}`,
  `/* Memory that ends after so many bytes. */
static unsigned char *memory_end(size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		err(2, "no memory");
	munmap(pages + page, page);
	return pages + page - room;
}`,
  `static void give_back(unsigned char *end, size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(end + room - page, page);
}`,
  `static int64_t read_to_end(struct outcome *outcome, int fd, size_t length, size_t room)
{
	unsigned char *memory = memory_end(room);
	int64_t result = answer(read(fd, memory, length));

	if (result > 0)
		memcpy(outcome->data, memory, (size_t)result);
	give_back(memory, room);
	return result;
}`,
  `static int64_t write_from_end(struct outcome *outcome, int fd, size_t length, size_t room)
{
	unsigned char *memory = memory_end(room);
	int64_t result;

	memcpy(memory, outcome->data, length < room ? length : room);
	result = answer(write(fd, memory, length));
	give_back(memory, room);
	return result;
}`,
  `/* The structure on a page that the kernel may not touch so. */
static int64_t ioctl_on_page(struct outcome *outcome, int fd, unsigned long request, size_t length, int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *memory = memory_end(page);
	int64_t result;

	memcpy(memory, given(outcome), length);
	mprotect(memory, page, protection);
	result = answer(ioctl(fd, request, memory));
	if (protection != PROT_NONE)
		memcpy(outcome->data, memory, length);
	give_back(memory, page);
	return result;
}`,
  `/* The structure where there is no memory. */
static int64_t ioctl_unmapped(struct outcome *outcome, int fd, unsigned long request, size_t length)
{
	return ioctl_on_page(outcome, fd, request, length, PROT_NONE);
}`,
  `/* The structure where the kernel can read and not write. */
static int64_t ioctl_read_only(struct outcome *outcome, int fd, unsigned long request, size_t length)
{
	return ioctl_on_page(outcome, fd, request, length, PROT_READ);
}`,
  `/* Memory ends 8 bytes into the structure. */
static int64_t ioctl_cut(struct outcome *outcome, int fd, unsigned long request, size_t length)
{
	unsigned char *memory = memory_end(8);
	int64_t result;

	memcpy(memory, given(outcome), length < 8 ? length : 8);
	result = answer(ioctl(fd, request, memory));
	give_back(memory, 8);
	return result;
}`,
  `/* Reads a register until the bits of the mask are clear (0), or it is all ones, as one that is cut off (1). */
static int64_t wait_for_clear(struct outcome *outcome, int fd, off_t offset, size_t length, uint64_t mask, int seconds)
{
	for (int tries = 200 * seconds; tries > 0; tries--) {
		uint64_t value = 0;
		ssize_t count = pread(fd, outcome->data, length, offset);

		if (count != (ssize_t)length)
			return count < 0 ? -errno : -EIO;
		for (size_t i = 0; i < length; i++)
			value |= (uint64_t)outcome->data[registers_big ? length - 1 - i : i] << (8 * i);
		if (value == UINT64_MAX >> (64 - 8 * length))
			return 1;
		if ((value & mask) == 0)
			return 0;
		usleep(5000);
	}
	return -ETIMEDOUT;
}`,
];
