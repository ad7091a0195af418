/** Devices by their addresses, and processes that make operations one at a time. */
export const PROCESS_HELPERS: readonly string[] = [
  `/* The node of the IOMMU group that a device is in. */
static const char *group_of(const char *address)
{
	static char node[64];
	char path[128], target[256] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		errx(2, "%s: expected the PCI address of a device in an IOMMU group, such as 0001:00:01.0", address);
	snprintf(node, sizeof(node), "/dev/vfio/%.32s", strrchr(target, '/') + 1);
	return node;
}`,
  `/* The node that a device has of its own. */
static const char *node_of(const char *address)
{
	static char node[64];
	char path[128];
	struct dirent *entry = NULL;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", address);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL && entry->d_name[0] == '.')
		;
	snprintf(node, sizeof(node), "/dev/vfio/devices/%.32s", entry == NULL ? "-" : entry->d_name);
	if (folder != NULL)
		closedir(folder);
	return node;
}`,
  `/* Only devices that were given to vfio-pci are driven. */
static void check_driver(const char *address)
{
	char path[128], target[256] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
	if (readlink(path, target, sizeof(target) - 1) < 0 || strcmp(strrchr(target, '/'), "/vfio-pci") != 0)
		errx(2, "expected the device %s to be bound to vfio-pci, but it is not", address);
}`,
  `/* A kernel without the node has nothing to say of it. */
static void check_node(const char *node)
{
	if (access(node, F_OK) == 0)
		return;
	printf("KTAP version 1\\n1..0 # SKIP this kernel has no %s\\n", node);
	exit(4);
}`,
  `/* What is expected rests on the default window: it is looked at in a container that is thrown away. Where that fails the program says so. */
static void check_window(const char *address, uint32_t start, uint32_t size)
{
	struct {
		uint32_t argsz, flags, start, size;
		uint64_t rest[2];
	} info = { .argsz = sizeof(info) };
	int container = open("/dev/vfio/vfio", O_RDWR), group = open(group_of(address), O_RDWR);
	bool seen = ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) == 0 && ioctl(container, VFIO_SET_IOMMU, 7UL) == 0 &&
		    ioctl(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info) == 0;

	close(group);
	close(container);
	if (!seen || (info.start == start && info.size == size))
		return;
	printf("KTAP version 1\\n1..0 # SKIP made for a default window of 0x%x bytes at 0x%x, here %s has one of 0x%x at 0x%x\\n", size, start, address,
	       info.size, info.start);
	exit(4);
}`,
  `/* Memory that all processes share. */
static void *shared(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "no memory");
	return memory;
}`,
  `static bool is_gone(const struct process *process)
{
	return kill(process->pid, 0) != 0 && errno == ESRCH;
}`,
  `/* Waits until a process is gone. */
static int64_t ended(const struct process *process)
{
	for (int tries = 6000; tries > 0; tries--) {
		if (is_gone(process))
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}`,
  `/* Makes the operations that it is asked for, to the end of whoever asks. */
static void serve(const struct process *self)
{
	int number;

	/* The ends of whoever asks. Later processes never have them: their numbers are other files by then. */
	for (size_t i = 0; i < PROCESSES && self == &processes[0]; i++) {
		close(processes[i].ask[1]);
		close(processes[i].done[0]);
	}
	while (read(self->ask[0], &number, sizeof(number)) == sizeof(number) && number > 0) {
		operations[number - 1].make();
		if (write(self->done[1], &number, sizeof(number)) < 0)
			break;
	}
	_exit(0);
}`,
  `/* Has a process end by itself. */
static void leave(const struct process *process)
{
	const int nothing = 0;

	if (write(process->ask[1], &nothing, sizeof(nothing)) < 0)
		err(2, "no process");
}`,
  `/* A child with copies of the descriptors and of the memory. */
static int64_t forked(struct process *child)
{
	pid_t pid = fork();

	if (pid == 0) {
		child->pid = getpid();
		serve(child);
	}
	if (pid > 0)
		child->pid = pid;
	return answer(pid) < 0 ? answer(pid) : 0;
}`,
  `/* The first process of the program, and the pipes of all. */
static void begin_processes(void)
{
	/* Who has ended is not waited for; orphans come here. */
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	processes = shared(PROCESSES * sizeof(*processes));
	for (size_t i = 0; i < PROCESSES; i++) {
		if (pipe(processes[i].ask) != 0 || pipe(processes[i].done) != 0)
			err(2, "no pipe");
	}
	if (forked(&processes[0]) != 0)
		err(2, "no process");
}`,
  `static void end_processes(void)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		if (processes[i].pid > 0)
			kill(processes[i].pid, SIGKILL);
	}
}`,
  `/* Has a process make an operation. */
static void make_in(struct process *process, int number)
{
	struct pollfd done = { process->done[0], POLLIN, 0 };

	if (write(process->ask[1], &number, sizeof(number)) < 0)
		err(2, "no process");
	while (poll(&done, 1, 100) == 0) {
		if (!is_gone(process))
			continue;
		complain("platform/alive", "expected an answer, but the process ended");
		return;
	}
	if (read(process->done[0], &number, sizeof(number)) < 0)
		err(2, "no process");
}`,
];
