using System.Globalization;
using System.Runtime.InteropServices;

namespace Mcn.Web.Bench;

/// <summary>The machine that a figure belongs to, in one line.</summary>
static class Machine
{
    public static string Describe()
    {
        var model = Line("/proc/cpuinfo", "model name")?.Split(':')[1].Trim() ?? "unknown processor";
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        var kilobytes = Line("/proc/meminfo", "MemTotal:")?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        var memory = double.TryParse(kilobytes, CultureInfo.InvariantCulture, out var number) ? number * 1024 / (1 << 30) : double.NaN;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {model}, {memory:F0} GiB, {RuntimeInformation.FrameworkDescription}, load {load} at the end");
    }

    static string? Line(string file, string start) => File.ReadLines(file).FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
}
