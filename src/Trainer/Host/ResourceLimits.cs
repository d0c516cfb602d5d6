using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>The limits of a process, from the text of its `limits` file in /proc. The soft one counts: .NET raises that of open files to the hard one.</summary>
sealed class ResourceLimits(string? text)
{
    public const long Unlimited = long.MaxValue;
    const int NameWidth = 26, ValueWidth = 21; // fs/proc/base.c: "%-25s %-20s %-20s %-10s"

    public static ResourceLimits OfThisProcess() => new(ProcText.Read("/proc/self/limits"));

    public long? OpenFiles => Of("Max open files");

    public long? LockedBytes => Of("Max locked memory");

    public long? Processes => Of("Max processes");

    public long? StackBytes => Of("Max stack size");

    public long? CoreBytes => Of("Max core file size");

    long? Of(string name)
    {
        var line = text?.Split('\n').FirstOrDefault(one => one.StartsWith(name, StringComparison.Ordinal));
        if (line is null || line.Length < NameWidth + ValueWidth) return null;
        var value = line.Substring(NameWidth, ValueWidth).Trim();
        return value == "unlimited" ? Unlimited : long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
