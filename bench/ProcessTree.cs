using System.Globalization;

namespace Mcn.Web.Bench;

/// <summary>
/// A process and its descendants, as the kernel counts them: CPU time, and proportional memory (PSS: a page that n processes share
/// counts 1/n in each, so that the sum is what they take together).
/// </summary>
static class ProcessTree
{
    // USER_HZ is 100 on every Linux that .NET runs on.
    const double TicksPerSecond = 100;

    /// <summary>CPU seconds of all, user and system; children that have ended count by their parents.</summary>
    public static double CpuSeconds(int root) => Members(root).Sum(pid =>
    {
        var fields = Stat(pid);
        return fields is null ? 0 : (Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) / TicksPerSecond;
    });

    /// <summary>Proportional memory of all, bytes, shared memory included.</summary>
    public static long PssBytes(int root) => Members(root).Sum(pid =>
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/smaps_rollup").FirstOrDefault(text => text.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[4..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0; // ended meanwhile
        }
    });

    static List<int> Members(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) && Stat(pid) is { } fields)
                parents[pid] = (int)Number(fields[1]);
        }

        var members = new List<int> { root };
        for (var i = 0; i < members.Count; i++) members.AddRange(parents.Where(pair => pair.Value == members[i]).Select(pair => pair.Key));
        return members;
    }

    // Fields of /proc/PID/stat after the name, which may hold spaces: 0 is the state, 1 the parent.
    static string[]? Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
