using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>The kernel's log, as far as this user may read it: the lines about memory kills, GPUs, disks and crashes.</summary>
static partial class KernelLog
{
    const int MostLines = 200;
    const int MostRecords = 100_000;
    const int Denied = 1;
    const int NotThere = 2;

    /// <summary>Everything that the kernel still holds.</summary>
    public static (IReadOnlyList<string>? Lines, string? Gap) Read() => Read(DateTimeOffset.MinValue, DateTimeOffset.MaxValue);

    /// <summary>Never blocks: the device is opened non-blocking and read to its end. A line of another hour belongs to another end.</summary>
    /// <returns>The last lines of that time that matter, or null and the reason.</returns>
    public static (IReadOnlyList<string>? Lines, string? Gap) Read(DateTimeOffset from, DateTimeOffset until)
    {
        const int readOnlyNonBlockingCloseOnExec = 0x800 | 0x80000;
        var descriptor = open("/dev/kmsg", readOnlyNonBlockingCloseOnExec);
        if (descriptor < 0) return (null, Reason(Marshal.GetLastPInvokeError()));
        try
        {
            var lines = new Queue<string>();
            var started = TimeProvider.System.GetUtcNow() - TimeSpan.FromMilliseconds(Environment.TickCount64);
            var buffer = new byte[8192];
            for (var records = 0; records < MostRecords; records++)
            {
                var length = read(descriptor, buffer, (nuint)buffer.Length);
                if (length < 0 && Marshal.GetLastPInvokeError() == BrokenPipe) continue; // overwritten while we read: go on with the oldest
                if (length <= 0) break; // EAGAIN: the end
                var record = Encoding.UTF8.GetString(buffer, 0, (int)length);
                if (AgeOf(record) is { } age && (started + age < from || started + age > until)) continue;
                Take(record, lines);
            }

            return ([.. lines], null);
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    const int BrokenPipe = 32;

    /// <summary>Time since the machine started, the third field of `priority,number,microseconds,flags;text`; null: it has none.</summary>
    internal static TimeSpan? AgeOf(string record) =>
        record.Split(',', 4) is [_, _, var stamp, _] && long.TryParse(stamp, CultureInfo.InvariantCulture, out var microseconds) ? TimeSpan.FromMicroseconds(microseconds) : null;

    static void Take(string record, Queue<string> lines)
    {
        var line = record.Split('\n')[0];
        if (!Relevant().IsMatch(line)) return;
        lines.Enqueue(line);
        if (lines.Count > MostLines) lines.Dequeue();
    }

    static string Reason(int error) => error switch
    {
        Denied or 13 => "no permission to read /dev/kmsg",
        NotThere => "no /dev/kmsg here",
        _ => $"/dev/kmsg: {Marshal.GetPInvokeErrorMessage(error)}",
    };

    [GeneratedRegex(@"oom|out of memory|NVRM|Xid|segfault|general protection|I/O error|read-only|blocked for more than|mce:|Hardware Error|nvme|thermal|EDAC|AER: |nvswitch|nfs: server|fork rejected|file-max|Disk failure|failed command|oom-kill|traps: |Kernel panic|Memory failure", RegexOptions.IgnoreCase)]
    private static partial Regex Relevant();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, [Out] byte[] buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
