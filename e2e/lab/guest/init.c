/* init of the lab's machines: the only program in the initrd.
 *
 * Why C and static: booting under emulation is what a lab costs, and every
 * process started in a guest costs tens of milliseconds.  A shell with busybox
 * took a third longer to its first HTTP answer.
 *
 * The promise that tests rely on: a counter is shown over HTTP only after it
 * has been fsynced to every disk of the machine.  So "counter seen before the
 * disaster" minus "counter_at_boot at the other site" is what was really lost.
 *
 * Kernel command line: cf.name= cf.ip=CIDR[,CIDR...] cf.gw= cf.disks= cf.tick=usec cf.dirty=KiB/s cf.seed=1
 * With cf.seed it does what cloud-init does with a NoCloud drive: a CD-ROM whose network-config names the MAC of eth0 replaces
 * cf.ip and cf.gw.
 * Over HTTP: /  /status  /set?dirty=KiB&tick=usec
 * What it does not do: DHCP, IPv6, log in.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/input.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ADDRESSES = 8, MAX_CLIENTS = 32, RECORD = 64, RING_MIB = 100 };

/* Shared between the writer, the HTTP server and PID 1. */
static struct shared {
	volatile unsigned long counter, written_ms;
	volatile unsigned tick_us, dirty_kib;
} *live;

static char name[64] = "machine", addresses[256], gateway[32], boot_id[40] = "?";
static unsigned long boots, counter_at_boot, written_at_boot;
static unsigned long counter2_at_boot;
static int disks, disks_expected = 1, seed;

static void say(const char *format, ...)
{
	char text[256];
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	int n = snprintf(text, sizeof text, "LAB %ld.%02ld ", (long)t.tv_sec, t.tv_nsec / 10000000);
	va_list args;
	va_start(args, format);
	vsnprintf(text + n, sizeof text - n, format, args);
	va_end(args);
	dprintf(1, "%s\n", text);
}

static unsigned long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000UL + t.tv_nsec / 1000000;
}

static void read_line(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n < 0 ? 0 : n] = 0;
	out[strcspn(out, "\n")] = 0;
}

static int wait_for(const char *path)
{
	for (int i = 0; i < 500; i++) {
		if (!access(path, F_OK))
			return 1;
		usleep(10000);
	}
	say("%s did not appear", path);
	return 0;
}

/* ---- start-up ---------------------------------------------------------- */

static void read_command_line(void)
{
	char line[2048];
	read_line("/proc/cmdline", line, sizeof line);
	live->tick_us = 200000;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');
		if (strncmp(word, "cf.", 3) || !value || !value[1])
			continue;
		*value++ = 0;
		word += 3;
		if (!strcmp(word, "name"))
			snprintf(name, sizeof name, "%s", value);
		else if (!strcmp(word, "ip"))
			snprintf(addresses, sizeof addresses, "%s", value);
		else if (!strcmp(word, "gw"))
			snprintf(gateway, sizeof gateway, "%s", value);
		else if (!strcmp(word, "tick"))
			live->tick_us = atoi(value);
		else if (!strcmp(word, "disks"))
			disks_expected = atoi(value);
		else if (!strcmp(word, "seed"))
			seed = atoi(value);
		else if (!strcmp(word, "dirty"))
			live->dirty_kib = atoi(value);
	}
}

static void load_module(const char *module)
{
	char path[96];
	snprintf(path, sizeof path, "/modules/%s.ko", module);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		say("module %s: %s", module, strerror(errno));
	close(fd);
}

/* The text in quotes after a key, from a place on; where it ends. */
static const char *quoted(const char *from, const char *key, char *out, size_t size)
{
	const char *at = from ? strstr(from, key) : NULL;
	at = at ? strchr(at + strlen(key), '"') : NULL;
	const char *end = at ? strchr(at + 1, '"') : NULL;
	if (!end || (size_t)(end - at) > size)
		return NULL;
	memcpy(out, at + 1, end - at - 1);
	out[end - at - 1] = 0;
	return end + 1;
}

/* Written by a program, so its shape is known: one object a card, each with "macaddress", "addresses" and maybe "gateway4". */
static void read_seed(void)
{
	static const char *modules[] = { "scsi_common", "scsi_mod", "libata", "ata_piix", "cdrom", "sr_mod",
					 "nls_cp437", "nls_ascii", "fat", "vfat" };
	static char text[8192];
	char mac[32], one[64], *card, *end;
	for (unsigned i = 0; i < sizeof modules / sizeof *modules; i++)
		load_module(modules[i]);
	mkdir("/seed", 0755);
	if (!wait_for("/dev/sr0") || mount("/dev/sr0", "/seed", "vfat", MS_RDONLY, "")) {
		say("no seed: %s", strerror(errno));
		return;
	}
	int fd = open("/seed/network-config", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = 0;
	close(fd);
	read_line("/sys/class/net/eth0/address", mac, sizeof mac);
	for (card = strstr(text, "\"card"); card; card = end) {
		end = strstr(card + 1, "\"card");
		if (end)
			end[-1] = 0;
		if (!strstr(card, mac))
			continue;
		const char *list = strstr(card, "\"addresses\":[");
		const char *close_ = list ? strchr(list, ']') : NULL;
		*addresses = *gateway = 0;
		for (const char *at = list ? list + 12 : NULL; at && at < close_ && (at = quoted(at, "", one, sizeof one)) && at <= close_; at++) {
			size_t used = strlen(addresses);
			snprintf(addresses + used, sizeof addresses - used, "%s%s", used ? "," : "", one);
		}
		quoted(card, "\"gateway4\":", gateway, sizeof gateway);
		say("seed %s via %s", addresses, gateway);
		return;
	}
	say("the seed has nothing for %s", mac);
}

static void announce(const char *address)
{
	struct { struct ether_header eth; unsigned char arp[28]; } __attribute__((packed)) frame;
	struct ifreq request = { .ifr_name = "eth0" };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		return;
	unsigned char *mac = (unsigned char *)request.ifr_hwaddr.sa_data;
	unsigned char head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	in_addr_t ip = inet_addr(address);
	memset(&frame, 0, sizeof frame);
	memset(frame.eth.ether_dhost, 0xff, 6);
	memcpy(frame.eth.ether_shost, mac, 6);
	frame.eth.ether_type = htons(ETH_P_ARP);
	memcpy(frame.arp, head, 8);
	memcpy(frame.arp + 8, mac, 6);
	memcpy(frame.arp + 14, &ip, 4);
	memset(frame.arp + 18, 0xff, 6);
	memcpy(frame.arp + 24, &ip, 4);
	to.sll_ifindex = if_nametoindex("eth0");
	memset(to.sll_addr, 0xff, 6);
	sendto(fd, &frame, sizeof frame, 0, (struct sockaddr *)&to, sizeof to);
	close(fd);
}

static void announce_all(void)
{
	char list[sizeof addresses];
	strcpy(list, addresses);
	for (char *a = strtok(list, ","); a; a = strtok(NULL, ",")) {
		a[strcspn(a, "/")] = 0;
		announce(a);
	}
}

static void set_address(int fd, const char *interface, const char *address, int prefix)
{
	struct ifreq request = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
	snprintf(request.ifr_name, IFNAMSIZ, "%s", interface);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(address);
	if (ioctl(fd, SIOCSIFADDR, &request))
		say("address %s: %s", address, strerror(errno));
	in->sin_addr.s_addr = htonl(prefix ? ~0U << (32 - prefix) : 0);
	ioctl(fd, SIOCSIFNETMASK, &request);
	ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	ioctl(fd, SIOCSIFFLAGS, &request);
}

static void start_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), n = 0;
	char list[sizeof addresses], label[IFNAMSIZ] = "eth0";
	set_address(fd, "lo", "127.0.0.1", 8);
	if (!*addresses || !wait_for("/sys/class/net/eth0"))
		return;
	strcpy(list, addresses);
	for (char *a = strtok(list, ","); a && n < MAX_ADDRESSES; a = strtok(NULL, ","), n++) {
		char *slash = strchr(a, '/');
		if (slash)
			*slash++ = 0;
		if (n)
			snprintf(label, sizeof label, "eth0:%d", n);
		set_address(fd, label, a, slash ? atoi(slash) : 24);
	}
	if (*gateway) {
		struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
		struct sockaddr_in *gw = (struct sockaddr_in *)&route.rt_gateway;
		route.rt_dst.sa_family = route.rt_genmask.sa_family = gw->sin_family = AF_INET;
		gw->sin_addr.s_addr = inet_addr(gateway);
		if (ioctl(fd, SIOCADDRT, &route))
			say("route via %s: %s", gateway, strerror(errno));
	}
	close(fd);
}

/* One record of fixed length inside one sector: a write is all or nothing. */
static void write_record(int fd, unsigned long counter, unsigned long ms)
{
	char record[RECORD + 1];
	int n = snprintf(record, sizeof record, "%lu %lu %lu", counter, ms, boots);
	memset(record + n, ' ', RECORD - n);
	record[RECORD - 1] = '\n';
	if (pwrite(fd, record, RECORD, 0) != RECORD || fdatasync(fd))
		say("write: %s", strerror(errno));
}

static int open_disk(const char *device, const char *folder, unsigned long *counter)
{
	char path[64], record[RECORD + 1];
	mkdir(folder, 0755);
	if (mount(device, folder, "ext4", MS_NOATIME | MS_LAZYTIME, "")) {
		say("mount %s: %s", device, strerror(errno));
		return -1;
	}
	snprintf(path, sizeof path, "%s/counter", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ssize_t n = fd < 0 ? -1 : pread(fd, record, RECORD, 0);
	record[n > 0 ? n : 0] = 0;
	unsigned long ms = 0, b = 0;
	sscanf(record, "%lu %lu %lu", counter, &ms, &b);
	if (ms > written_at_boot)
		written_at_boot = ms;
	if (b > boots)
		boots = b;
	return fd;
}

/* ---- work -------------------------------------------------------------- */

static void count(int first, int second)
{
	for (;;) {
		unsigned long next = live->counter + 1, ms = now_ms();
		write_record(first, next, ms);
		if (second >= 0)
			write_record(second, next, ms);
		live->written_ms = ms;
		live->counter = next;
		usleep(live->tick_us < 1000 ? 1000 : live->tick_us);
	}
}

/* Writes random blocks round and round a ring, a tenth of the rate at a time. */
static void dirty(void)
{
	static unsigned long block[8192];
	unsigned long seed = now_ms(), at = 0;
	int fd = -1;
	for (;;) {
		unsigned long kib = live->dirty_kib / 10;
		if (kib && fd < 0)
			fd = open("/data/ring", O_RDWR | O_CREAT, 0644);
		for (unsigned long done = 0; fd >= 0 && done < kib; done += 64) {
			for (unsigned i = 0; i < 8192; i++) {
				seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
				block[i] = seed;
			}
			if (pwrite(fd, block, sizeof block, at) < 0)
				say("dirty: %s", strerror(errno));
			at = (at + sizeof block) % (RING_MIB << 20);
		}
		if (kib)
			fdatasync(fd);
		usleep(100000);
	}
}

static int json_addresses(char *out, size_t size)
{
	char list[sizeof addresses];
	int n = 0;
	strcpy(list, addresses);
	for (char *a = strtok(list, ","); a; a = strtok(NULL, ",")) {
		a[strcspn(a, "/")] = 0;
		n += snprintf(out + n, size - n, "%s\"%s\"", n ? "," : "", a);
	}
	return n;
}

static void answer(int fd, char *request)
{
	char body[1024], head[200], list[300] = "", uptime[64];
	const char *status = "200 OK", *type = "application/json";
	request[strcspn(request, "\r\n")] = 0;
	char *path = strchr(request, ' ');
	path = path ? path + 1 : "/";
	char *query = strchr(path, '?');
	if (!strncmp(path, "/set?", 5)) {
		char *value;
		if ((value = strstr(query, "dirty=")))
			live->dirty_kib = atoi(value + 6);
		if ((value = strstr(query, "tick=")))
			live->tick_us = atoi(value + 5);
		snprintf(body, sizeof body, "{\"dirty\":%u,\"tick\":%u}\n", live->dirty_kib, live->tick_us);
	} else if (!strncmp(path, "/status", 7)) {
		read_line("/proc/uptime", uptime, sizeof uptime);
		uptime[strcspn(uptime, " ")] = 0;
		json_addresses(list, sizeof list);
		snprintf(body, sizeof body,
			 "{\"host\":\"%s\",\"boot_id\":\"%s\",\"counter\":%lu,\"boots\":%lu,\"counter_at_boot\":%lu,"
			 "\"written_ms\":%lu,\"written_ms_at_boot\":%lu,\"disks\":%d,\"counter2_at_boot\":%lu,"
			 "\"uptime\":%s,\"addresses\":[%s]}\n",
			 name, boot_id, live->counter, boots, counter_at_boot, live->written_ms, written_at_boot,
			 disks, counter2_at_boot, uptime, list);
	} else if (path[0] == '/' && (path[1] == ' ' || path[1] == 0 || path[1] == '?')) {
		type = "text/html; charset=utf-8";
		snprintf(body, sizeof body,
			 "<!doctype html><html lang=en><meta http-equiv=refresh content=1><title>%s</title>"
			 "<style>body{font:1.5rem system-ui;margin:3rem}b{font-size:3rem}</style>"
			 "<h1>%s</h1><p>written to disk <b>%lu</b> times<p>boot %lu, %s\n",
			 name, name, live->counter, boots, boot_id);
	} else {
		status = "404 Not Found";
		snprintf(body, sizeof body, "{\"error\":\"no such page; try / or /status\"}\n");
	}
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
			 status, type, strlen(body));
	char *all = NULL;
	if (asprintf(&all, "%.*s%s", n, head, strncmp(request, "HEAD", 4) ? body : "") > 0)
		send(fd, all, strlen(all), MSG_NOSIGNAL);
	free(all);
}

static void serve(void)
{
	static struct { struct pollfd p[MAX_CLIENTS + 1]; time_t since[MAX_CLIENTS + 1]; } c;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(80) };
	int one = 1, used = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 64))
		say("http: %s", strerror(errno));
	say("http");
	c.p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (;;) {
		c.p[0].events = used > MAX_CLIENTS ? 0 : POLLIN;
		poll(c.p, used, 1000);
		time_t now = time(NULL);
		for (int i = used - 1; i > 0; i--) {
			char request[2048];
			if (c.p[i].revents) {
				ssize_t n = read(c.p[i].fd, request, sizeof request - 1);
				if (n > 0) {
					request[n] = 0;
					answer(c.p[i].fd, request);
				}
			} else if (now - c.since[i] < 5) {
				continue;
			}
			shutdown(c.p[i].fd, SHUT_WR);
			close(c.p[i].fd);
			c.p[i] = c.p[--used];
			c.since[i] = c.since[used];
		}
		if (c.p[0].revents & POLLIN) {
			int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (client >= 0) {
				c.p[used] = (struct pollfd){ .fd = client, .events = POLLIN };
				c.since[used++] = now;
			}
		}
	}
}

/* ---- stop -------------------------------------------------------------- */

static void power_off(void)
{
	say("power button");
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	umount("/data2");
	if (umount("/data"))
		sync();
	reboot(RB_POWER_OFF);
}

static void watch_power_button(void)
{
	struct pollfd p[4];
	int n = 0;
	load_module("button");
	load_module("evdev");
	for (int i = 0; i < 4; i++) {
		char path[32];
		snprintf(path, sizeof path, "/dev/input/event%d", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			p[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	if (!n)
		say("no power button: a graceful stop will not work");
	for (;;) {
		if (poll(p, n, 1000) > 0)
			for (int i = 0; i < n; i++) {
				struct input_event e;
				if (p[i].revents && read(p[i].fd, &e, sizeof e) == sizeof e &&
				    e.type == EV_KEY && e.code == KEY_POWER && e.value == 1)
					power_off();
			}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

int main(void)
{
	/* virtio needs virtio_ring, pci needs both: this order or "unknown symbol". */
	static const char *modules[] = { "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
					 "virtio_pci", "virtio_blk", "failover", "net_failover", "virtio_net" };
	mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755);
	mount("none", "/proc", "proc", 0, NULL);
	mount("none", "/sys", "sysfs", 0, NULL);
	mount("none", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/console", O_RDWR);
	dup2(console, 0), dup2(console, 1), dup2(console, 2);
	signal(SIGPIPE, SIG_IGN);
	live = mmap(NULL, sizeof *live, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	read_command_line();
	say("init");
	for (unsigned i = 0; i < sizeof modules / sizeof *modules; i++)
		load_module(modules[i]);
	sethostname(name, strlen(name));
	read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
	if (seed && wait_for("/sys/class/net/eth0"))
		read_seed();
	start_network();
	announce_all();
	say("network %s", addresses);

	int first = wait_for("/dev/vda") ? open_disk("/dev/vda", "/data", &counter_at_boot) : -1, second = -1;
	if (first >= 0 && disks_expected > 1 && wait_for("/dev/vdb"))
		second = open_disk("/dev/vdb", "/data2", &counter2_at_boot);
	disks = (first >= 0) + (second >= 0);
	live->counter = counter_at_boot;
	live->written_ms = written_at_boot;
	boots++;
	say("disks %d boot %lu counter %lu", disks, boots, counter_at_boot);
	if (first >= 0 && !fork())
		count(first, second);
	if (!fork())
		serve();
	if (first >= 0 && !fork())
		dirty();
	if (!fork()) { /* the switch of a new place may still be waking up: say it again */
		for (int i = 0; i < 3; i++) {
			usleep(500000);
			announce_all();
		}
		_exit(0);
	}
	watch_power_button();
}
