namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>Files, disks, shared memory, inotify, checkpoints. "No space left on device" is five things: the row that knows more comes first.</summary>
static partial class Rules
{
    static IReadOnlyList<Rule> Files =>
    [
        Root("inotify-instances", "inotify", "host", "no", Established, @"number of inotify instances|inotify_init\S* failed|Too many inotify instances",
            "This user has no inotify instances left (the text may speak of open files)", "fs.inotify.max_user_instances=1024 on the host; DOTNET_USE_POLLING_FILE_WATCHER=1 does without"),
        Root(InotifyWatches, "inotify", "host", "no", Established, @"inotify_add_watch.*No space left|inotify watch limit reached|number of file watchers reached|user limit .* inotify watches",
            "This user has no inotify watches left (the text may speak of space: the disk is not full)", "fs.inotify.max_user_watches=1048576 on the host"),
        Root("shm-permission", "shared-memory", "host", "no", Supported, @"shm_open.* failed.*Permission denied|/dev/shm/\S*.*Permission denied|Permission denied.*/dev/shm",
            "A file of shared memory belongs to somebody else", "Remove what dead processes left in /dev/shm; its mode must be 1777"),
        Root(SharedMemoryFull, "shared-memory", "host", "no", Established,
            @"creating shared memory segment|posix_fallocate failed.*No space|/dev/shm.*No space left|No space left.*/dev/shm|shm_open.*No space left|unable to (?:write to|allocate shared memory) file </(?:torch|dev/shm)",
            "The shared memory (/dev/shm) is full; Docker gives 64 MB unless told otherwise", "docker: --shm-size=2g (without --ipc=host); remove what dead processes left in /dev/shm"),
        Root("disk-quota", "disk-space", "host", "no", Established, @"Disk quota exceeded", "This user's quota of the disk is used up; the disk itself need not be full", "Ask for a larger quota (quota -s), or make room"),
        Root(NoInodes, "inodes", "host", "no", Established, @"inodes free|out of inodes|no (?:free )?inodes",
            "The disk has bytes free, but no more files can be made (inodes)", "Delete small files on that disk; df -i shows them"),
        Root(DiskFull, "disk-space", "host", "no", Supported, @"No space left on device|There is not enough space on the disk|disk was full|\bENOSPC\b",
            "A file system is full", "host/ shows free bytes and inodes of each; make room, or lower checkpoint.keep_last"),
        Root("read-only", "storage", "host", "no", Supported, @"Read-only file system", "The disk refuses to be written to", "Look at the kernel's log and the disk's health; was it mounted read-only?"),
        Root("io-error", "storage", "host", "no", Supported, @"Input/output error", "The disk could not read or write", "Look at the kernel's log and the disk's health; restore elsewhere"),
        Root("filesystem-damaged", "storage", "host", "no", Supported, @"Structure needs cleaning", "A file system is damaged", "Unmount it and run its fsck"),
        Root("stale-mount", "storage", "host", "unknown", Supported, @"Stale (?:NFS )?file handle|Transport endpoint is not connected", "A network or FUSE mount is gone", "Mount it again"),
        Root("checkpoint-mismatch", "checkpoint", "workload", "no", Established, @"Error\(s\) in loading state_dict|unexpected key\(s\) in state_dict|Missing key\(s\) in state_dict",
            "A checkpoint belongs to another network than the configuration's", "Use the configuration that it was made with"),
        Root("checkpoint-torn", "checkpoint", "workload", "no", Established,
            @"PytorchStreamReader failed|failed finding central directory|invalid header or archive is corrupted|deserializing header|checkpoint.*(?:corrupt|torn|hash mismatch|truncated)",
            "A checkpoint is torn or damaged", "`checkpoint verify` finds the newest sound one; look at the disk if it happens again"),
        Root("torn-data", "data", "workload", "no", Supported,
            @"Unexpected end of file|unexpected EOF|Ran out of input|No data left in file|cannot reshape array of size|File is not a zip file|BadZipFile|Bad CRC-32|End of Central Directory|Failed to interpret file|magic string is not correct|Error -\d+ while decompressing|incorrect (?:header|data) check",
            "An input file is cut short or damaged", "`data check` finds every such file; fetch or extract it again"),
        Root("missing-file", "data", "workload", "no", Supported, @"FileNotFoundError|FileNotFoundException|DirectoryNotFoundException|Could not find (?:file|a part of the path)",
            "An input file is not there", "Look at the paths of the configuration; is the disk mounted?"),
        Root("permission-denied", "configuration", "host", "no", Supported, @"PermissionError|Access to the path .* is denied|UnauthorizedAccessException",
            "A file may not be read or written by this user", "Give the user of the trainer the right to it"),
    ];
}
