using System.Globalization;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>
/// inotify's quotas. What can be counted from here is not all that counts (other containers of the same user are invisible), so one instance and
/// one watch are also asked for: the kernel's answer is the truth. Judgements are pure.
/// </summary>
static partial class InotifyChecks
{
    const int NoSpace = 28, TooMany = 24; // ENOSPC: no watch left; EMFILE: no instance left
    const int MostLooks = 120; // each takes a slice of time, 3 s in all
    const double Share = 0.9; // as HostRules

    public static readonly Precondition Watches = new("inotify-watches", "watches left. Without one UCX prints \"inotify_add_watch(/tmp) failed: No space left on device\": "
        + "it is a quota, no disk is full, and training needs none");
    public static readonly Precondition Instances = new("inotify-instances", "instances left: without one, .NET hosts that watch their settings end at their start, \"Too many open files\"; ours do not");

    /// <param name="Instance">errno of making an instance, 0: made.</param>
    /// <param name="Watch">errno of adding a watch to it, 0: added; null: there was none to add it to.</param>
    public readonly record struct Attempt(int Instance, int? Watch);

    public static IEnumerable<Check> Read()
    {
        var watch = new InotifyWatch(TimeProvider.System);
        var use = watch.Read();
        for (var looks = 0; use.Watches is null && looks < MostLooks; looks++) use = watch.Read();
        return Judge(use, Try());
    }

    public static IEnumerable<Check> Judge(InotifyUse use, Attempt attempt)
    {
        yield return Judge(Watches, "watches", use.Watches, use.WatchLimit, attempt.Watch, NoSpace, "fs.inotify.max_user_watches=1048576");
        yield return Judge(Instances, "instances", use.Instances, use.InstanceLimit, attempt.Instance, TooMany, "fs.inotify.max_user_instances=1024");
    }

    static Check Judge(Precondition one, string what, long? used, long? limit, int? error, int exhausted, string setting)
    {
        var remedy = $"On the host, not in the container: sudo sysctl -w {setting} (to keep it, the same line in /etc/sysctl.d/60-inotify.conf)";
        var count = limit is null ? "limit not told" : string.Create(CultureInfo.InvariantCulture, $"{(used is { } seen ? $"{seen:N0}" : "an unknown number")} of {limit:N0} seen in use by this user");
        if (error == exhausted) return one.Warning($"exhausted: the kernel gives no more {what} ({count}; other containers of the same user count and are not seen)", remedy);
        if (used >= Share * limit) return one.Warning(count, remedy);
        return error switch
        {
            0 => one.Ok(count),
            null => one.Unknown($"could not be tried, no instance was to be had ({count})", remedy),
            { } other => one.Unknown($"the kernel answers \"{Marshal.GetPInvokeErrorMessage(other)}\" ({count})", remedy),
        };
    }

    static Attempt Try()
    {
        const int closeOnExec = 0x80000, deleteSelf = 0x400;
        var instance = inotify_init1(closeOnExec);
        if (instance < 0) return new(Marshal.GetLastPInvokeError(), null);
        var watch = inotify_add_watch(instance, "/", deleteSelf) < 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = close(instance);
        return new(0, watch);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inotify_add_watch(int instance, string path, uint mask);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
