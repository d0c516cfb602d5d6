using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Bench;

/// <summary>One measurement: opens everything of a configuration but its features, and says how long that took and what stayed resident.</summary>
static class IndexChild
{
    public const string Name = "index";

    public static JsonObject Run(string config)
    {
        var run = RunConfigFile.Read(config, []);
        BenchChildren.Begin();
        var before = Status("VmRSS:");
        var began = Stopwatch.GetTimestamp();
        var data = TrainingData.Open(run);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return new JsonObject
        {
            ["seconds"] = seconds, ["videos"] = data.Videos.Count, ["captions"] = data.Captions.Count, ["words"] = data.Vocabulary.Count,
            ["resident_before"] = before, ["resident"] = Status("VmRSS:"), ["peak"] = Status("VmHWM:"),
        };
    }

    static long Status(string key)
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }
}
