using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>
/// inotify watches and instances in use by this user, and the limits that hold. There is no counter to read: every descriptor of
/// every process is looked at, a little at each call, so that a machine with many processes costs the supervisor no more than its
/// budget. The figures are those of the last complete pass; null before the first.
/// </summary>
/// <remarks>
/// Other containers of the same user are invisible here and count all the same, so the truth may be more; a descriptor inherited by
/// a child is seen twice, so it may be less.
/// </remarks>
public sealed class InotifyWatch(TimeProvider time)
{
    static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(25);
    static readonly TimeSpan BetweenPasses = TimeSpan.FromSeconds(15);
    const int LinesPerSlice = 2000, LinksPerSlice = 200;

    IEnumerator<bool>? pass;
    long finishedAt;
    InotifyUse last;
    long watches, instances;

    public InotifyUse Read()
    {
        if (pass is null && last.Watches is not null && time.GetElapsedTime(finishedAt) < BetweenPasses) return last;
        if (pass is null) (pass, watches, instances) = (Pass().GetEnumerator(), 0, 0);
        var began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < Budget)
        {
            if (pass.MoveNext()) continue;
            pass = null;
            finishedAt = time.GetTimestamp();
            last = new InotifyUse(watches, Limit("watches"), instances, Limit("instances"));
            return last;
        }

        return last;
    }

    /// <summary>The limit of the machine or of the user namespace, whichever is smaller.</summary>
    static long? Limit(string what)
    {
        var machine = ProcText.Number($"/proc/sys/fs/inotify/max_user_{what}");
        var space = ProcText.Number($"/proc/sys/user/max_inotify_{what}");
        return machine is { } a && space is { } b ? Math.Min(a, b) : machine ?? space;
    }

    /// <summary>One look at every process; pauses after each slice of work.</summary>
    IEnumerable<bool> Pass()
    {
        var user = User("self");
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            var process = Path.GetFileName(folder);
            if (!char.IsAsciiDigit(process[0])) continue;
            yield return true;
            if (user is null || User(process) != user) continue;
            foreach (var slice in Descriptors(folder)) yield return slice;
        }
    }

    IEnumerable<bool> Descriptors(string process)
    {
        var looked = 0;
        foreach (var link in Names(process + "/fd"))
        {
            if (++looked % LinksPerSlice == 0) yield return true;
            if (Target(link) != "anon_inode:inotify") continue;
            instances++;
            foreach (var slice in Watches($"{process}/fdinfo/{Path.GetFileName(link)}")) yield return slice;
        }
    }

    IEnumerable<bool> Watches(string information)
    {
        using var reader = Open(information);
        for (var lines = 1; NextLine(reader) is { } line; lines++)
        {
            if (line.StartsWith("inotify wd:", StringComparison.Ordinal)) watches++;
            if (lines % LinesPerSlice == 0) yield return true;
        }
    }

    /// <summary>The kernel charges an instance to the effective user of the process that makes it.</summary>
    static string? User(string process)
    {
        var status = ProcText.Read($"/proc/{process}/status");
        var at = status?.IndexOf("\nUid:\t", StringComparison.Ordinal) ?? -1;
        return at < 0 ? null : status![(at + 6)..].Split('\t', 3)[1]; // real, effective, …
    }

    // Processes and descriptors come and go while we look: what is gone, or not ours to see, counts nothing.
    static string[] Names(string folder) => Try(() => Directory.GetFileSystemEntries(folder)) ?? [];

    static string? Target(string link) => Try(() => new FileInfo(link).LinkTarget);

    static StreamReader? Open(string path) => Try(() => new StreamReader(path));

    static string? NextLine(StreamReader? reader) => Try(() => reader?.ReadLine());

    static T? Try<T>(Func<T?> look)
        where T : class
    {
        try
        {
            return look();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>What one user has of the kernel's inotify quota. Unknown is null.</summary>
public readonly record struct InotifyUse(long? Watches, long? WatchLimit, long? Instances, long? InstanceLimit)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Watches}/{WatchLimit} watches, {Instances}/{InstanceLimit} instances");
}
