using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Diagnosis;

namespace Mcn.Web.Trainer.Tests.Diagnosis;

/// <summary>
/// One labelled fault of `Faults/*.txt`. A case begins with `# NAME = CLASS RULE [CONFIDENCE]`, `-` for a rule that does not matter; then
/// readings (`exit 1`, `signal 9`, `hang TEXT`, `oom 1`, `xid 79`, `gpu-used 0.98`, `memory SHARE-AVAILABLE`, `cgroup SHARE-USED`,
/// `disk MOUNT PURPOSE FREE-BYTES-SHARE FREE-INODES-SHARE`, `inotify USED/LIMIT`), `not RULE` for what must be ruled out, and lines
/// `stderr|`, `words|`, `kernel|` or `log|` (a log by itself).
/// </summary>
public sealed record FaultCase(string Name, string Class, string Rule, string? Confidence, IReadOnlyList<string> RuledOut, Evidence Evidence)
{
    const long Whole = 1_000_000_000_000;

    /// <summary>Where nobody can know, the right answer is not to be sure.</summary>
    public bool IsUnknowable => Class == "unknown";

    public static IEnumerable<FaultCase> Read(IEnumerable<string> lines)
    {
        var block = new List<string>();
        foreach (var line in lines)
        {
            if (line.StartsWith("# ", StringComparison.Ordinal) && block.Count > 0)
            {
                yield return Of(block);
                block.Clear();
            }

            if (line.Length > 0) block.Add(line);
        }

        if (block.Count > 0) yield return Of(block);
    }

    static FaultCase Of(List<string> block)
    {
        var title = block[0][2..].Split(" = ");
        var label = title[1].Split(' ');
        var ruledOut = new List<string>();
        var texts = new Dictionary<string, List<string>>();
        var disks = new List<DiskReading>();
        (double? Memory, double? Cgroup, double? GpuUsed, long? Watches, long? WatchLimit) host = default;
        var xids = new List<int>();
        var evidence = new Evidence { Texts = [] };
        foreach (var line in block.Skip(1))
        {
            if (line.IndexOf("| ", StringComparison.Ordinal) is > 0 and < 7 and var bar)
            {
                var source = line[..bar] == "words" ? "last_words" : line[..bar];
                if (!texts.TryGetValue(source, out var list)) texts[source] = list = [];
                list.Add(line[(bar + 2)..]);
                continue;
            }

            var word = line.Split(' ');
            switch (word[0])
            {
                case "exit": evidence = evidence with { ExitCode = Whole32(word[1]) }; break;
                case "signal": evidence = evidence with { Signal = Whole32(word[1]) }; break;
                case "hang": evidence = evidence with { Hang = line[5..] }; break;
                case "oom": evidence = evidence with { OutOfMemoryKills = Whole32(word[1]) }; break;
                case "xid": xids.Add(Whole32(word[1])); break;
                case "not": ruledOut.Add(word[1]); break;
                case "memory": host.Memory = Number(word[1]); break;
                case "cgroup": host.Cgroup = Number(word[1]); break;
                case "gpu-used": host.GpuUsed = Number(word[1]); break;
                case "inotify": (host.Watches, host.WatchLimit) = (Whole32(word[1].Split('/')[0]), Whole32(word[1].Split('/')[1])); break;
                case "disk": disks.Add(new DiskReading(word[1], word[2], Whole, (long)(Whole * Number(word[3])), 1_000_000, (long)(1_000_000 * Number(word[4])))); break;
                default: throw new FormatException($"{title[0]}: {line}");
            }
        }

        var sawHost = host.Memory is not null || disks.Count > 0;
        return new FaultCase(title[0], label[0], label[1], label.ElementAtOrDefault(2), ruledOut, evidence with
        {
            Texts = [.. texts.Select(pair => new TextSource(pair.Key, pair.Value))],
            IsText = texts.ContainsKey("log") || evidence is { ExitCode: null, Signal: null, Hang: null } && !sawHost && xids.Count == 0 && !texts.ContainsKey("kernel"),
            KernelLogRead = texts.ContainsKey("kernel"),
            Gpu = xids.Count == 0 && host.GpuUsed is null ? [] : [Gpu(xids, host.GpuUsed ?? 0.5)],
            Host = sawHost ? [Host(host.Memory, host.Cgroup, disks, host.Watches, host.WatchLimit)] : [],
        });
    }

    static GpuSample Gpu(List<int> xids, double used) => new()
    {
        Simulated = false, Gpus = [new GpuReading(0, "GPU-1", "A100", (long)(Whole * used), Whole, 90, 60, 300, xids)],
    };

    static HostSample Host(double? memory, double? cgroup, List<DiskReading> disks, long? watches, long? watchLimit) => new()
    {
        MemoryTotalBytes = memory is null ? null : Whole, MemoryAvailableBytes = (long?)(Whole * memory),
        CgroupLimitBytes = cgroup is null ? null : Whole, CgroupUsedBytes = (long?)(Whole * cgroup), CpuUtilization = null, WorkerMemoryBytes = null, Disks = disks,
        InotifyWatches = watches, InotifyWatchLimit = watchLimit, InotifyInstances = null, InotifyInstanceLimit = null,
    };

    static int Whole32(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
