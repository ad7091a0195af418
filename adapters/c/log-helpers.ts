import { LOG_TROUBLE } from '../../reference/vfio/host-operations.js';
import { USUAL, WARNING } from '../ssh/kernel-log.js';
import { cString } from './values.js';

/** A pattern of JavaScript as regcomp takes it: those of the log have nothing that is not the same there. */
const pattern = (...patterns: readonly RegExp[]): string => cString(patterns.map(({ source }) => `(${source})`).join('|'));

/** What the operating system tells of the process, and of itself. */
export const LOG_HELPERS: readonly string[] = [
  `/* Sets RLIMIT_MEMLOCK, and gives CAP_IPC_LOCK up, for which there is no limit. */
static int64_t limit_locked_memory(uint64_t bytes)
{
	struct rlimit limit = { bytes >> 63 ? RLIM_INFINITY : bytes, bytes >> 63 ? RLIM_INFINITY : bytes };
	uint32_t head[2] = { 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0 }, sets[6];

	if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || syscall(SYS_capget, head, sets) != 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		sets[i] &= ~(UINT32_C(1) << 14 /* CAP_IPC_LOCK */);
	return answer(syscall(SYS_capset, head, sets));
}`,
  `/* Locked memory of the process in pages, and beside it, as a number of 8 bytes, what is pinned. */
static int64_t locked_memory(struct outcome *outcome)
{
	char line[128];
	uint64_t locked = 0, pinned = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *status = fopen("/proc/self/status", "r");

	if (status == NULL)
		return -errno;
	while (fgets(line, sizeof(line), status) != NULL) {
		sscanf(line, "VmLck: %" SCNu64, &locked);
		sscanf(line, "VmPin: %" SCNu64, &pinned);
	}
	fclose(status);
	put(outcome, 0, 8, pinned * 1024 / page);
	return (int64_t)(locked * 1024 / page);
}`,
  `/* The kernel log from now on. */
static int kernel_log = -1;

static void begin_kernel_log(void)
{
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
}`,
  `/* Lines of the kernel log since the last look that tell of trouble; the first of them is shown. */
static int64_t kernel_troubles(void)
{
	static const char trouble[] = ${pattern(LOG_TROUBLE)};
	static const char usual[] = ${pattern(...USUAL)};
	char record[8192];
	ssize_t length;
	int64_t count = 0;
	regex_t bad, fine;

	if (kernel_log < 0)
		return -EACCES;
	regcomp(&bad, trouble, REG_EXTENDED | REG_NOSUB);
	regcomp(&fine, usual, REG_EXTENDED | REG_NOSUB);
	/* EPIPE: the oldest records have been overwritten. */
	while ((length = read(kernel_log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		char *line = length > 0 ? memchr(record, ';', (size_t)length) : NULL;

		if (line == NULL)
			continue;
		record[length] = 0;
		line[1 + strcspn(line + 1, "\\n")] = 0;
		if ((atoi(record) & 7) > ${WARNING} || regexec(&bad, line + 1, 0, NULL, 0) != 0 || regexec(&fine, line + 1, 0, NULL, 0) == 0)
			continue;
		if (count++ == 0)
			printf("# kernel log: %s\\n", line + 1);
	}
	regfree(&bad);
	regfree(&fine);
	return count;
}`,
];
