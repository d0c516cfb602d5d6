using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>
/// Keeps secrets and people out of a report: environment variables by an allow-list, and in texts what looks like a secret, a user's home
/// or this host's name.
/// </summary>
static partial class Scrubber
{
    /// <summary>A variable that is not named here is not in the report, whatever it holds.</summary>
    static readonly string[] AllowedPrefixes = ["UCX_", "NCCL_", "CUDA_", "CUBLAS_", "CUDNN_", "PYTORCH_", "OMP_", "MKL_", "KMP_", "NVIDIA_", "DOTNET_"];

    static readonly string[] AllowedNames = ["LD_LIBRARY_PATH", "LD_PRELOAD", "LANG", "LC_ALL", "TZ", "TMPDIR", "MCN_DATA", "MCN_NVML_LIBRARY"];

    static readonly string HostName = Environment.MachineName;

    public static IReadOnlyDictionary<string, string> Variables(IReadOnlyDictionary<string, string> environment) =>
        environment.Where(pair => AllowedNames.Contains(pair.Key) || AllowedPrefixes.Any(prefix => pair.Key.StartsWith(prefix, StringComparison.Ordinal)))
            .OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(pair => pair.Key, pair => Scrub(pair.Value));

    public static string Scrub(string text)
    {
        const int shortest = 4; // a shorter name would hit ordinary words
        text = Secret().Replace(text, "$1$2<removed>");
        text = UserInfo().Replace(text, "$1<removed>@");
        text = Home().Replace(text, "/home/<user>");
        return HostName.Length >= shortest ? text.Replace(HostName, "<host>", StringComparison.Ordinal) : text;
    }

    [GeneratedRegex("""(?i)\b((?:[a-z0-9_-]*(?:token|secret|passw(?:or)?d|api_?key|authorization))["']?)(\s*[=:]\s*["']?(?:bearer\s+)?)[^\s"',;]+""")]
    private static partial Regex Secret();

    [GeneratedRegex(@"(\w+://)[^/\s@]+@")]
    private static partial Regex UserInfo();

    [GeneratedRegex(@"/home/[^/\s:""']+")]
    private static partial Regex Home();
}
