using System.Globalization;
using System.Text.RegularExpressions;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>Whether the kernel's log can be read, and the GPU errors (Xid) in it. Pure.</summary>
static partial class KernelLogChecks
{
    const string Grant = "In a container: docker run --device /dev/kmsg --cap-add SYSLOG; under systemd: AmbientCapabilities=CAP_SYSLOG; for all users: sudo sysctl -w kernel.dmesg_restrict=0";

    public static readonly Precondition Log = new("kernel-log", "the kernel's log, readable: only there a crash report finds memory kills, Xid texts and disk errors");
    public static readonly Precondition Xids = new("gpu-xids", "no Xid error in the kernel's log");

    /// <param name="lines">Those that matter; null: it cannot be read.</param>
    /// <param name="gap">Why.</param>
    /// <param name="gpus">There are some.</param>
    public static IEnumerable<Check> Judge(IReadOnlyList<string>? lines, string? gap, bool gpus)
    {
        yield return lines is null ? Log.Warning(gap ?? "it cannot be read", Grant) : Log.Ok("readable");
        if (!gpus) yield break;
        if (lines is null)
        {
            yield return Xids.Unknown($"not to be told: {gap}", Grant);
            yield break;
        }

        var seen = (from line in lines let xid = Xid().Match(line) where xid.Success select (Board: xid.Groups[1].Value, Number: int.Parse(xid.Groups[2].Value, CultureInfo.InvariantCulture)))
            .GroupBy(one => one).Select(same => (same.Key, Count: same.Count())).ToList();
        yield return seen.Count == 0 ? Xids.Ok("none")
            : Xids.Warning(string.Join("; ", seen.Select(one => $"Xid {one.Key.Number} on {one.Key.Board}{(one.Count > 1 ? $" ({one.Count} times)" : "")}: {XidMeanings.Of(one.Key.Number).Meaning}")),
                string.Join(' ', seen.Select(one => XidMeanings.Of(one.Key.Number).Remedy).Distinct()));
    }

    [GeneratedRegex(@"NVRM: Xid \(((?:PCI:)?[0-9a-fA-F:.]+)\).*?: (\d+),")]
    private static partial Regex Xid();
}
