using System.Globalization;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>How many processes the kernel has killed for memory in our control group; a lifetime count: compare two readings.</summary>
static class MemoryEvents
{
    public static long? Kills()
    {
        const string key = "oom_kill ";
        try
        {
            var line = File.ReadLines("/sys/fs/cgroup/memory.events").FirstOrDefault(text => text.StartsWith(key, StringComparison.Ordinal));
            return line is null ? null : long.Parse(line[key.Length..], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
