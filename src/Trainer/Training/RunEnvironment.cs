using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Recording;
using TorchSharp;

namespace Mcn.Web.Trainer.Training;

/// <summary>`environment.json`: what a result may depend on besides its configuration; rewritten by each incarnation.</summary>
static class RunEnvironment
{
    public static void Write(RunFolder folder, RunIdentity identity, RunConfig config, TimeProvider time) =>
        DurableFile.Replace(folder.Environment, stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteNumber("format_version", ProtocolVersion.Run);
            json.WriteString("run_id", identity.RunId);
            json.WriteNumber("incarnation", identity.Incarnation);
            json.WriteString("time", time.GetUtcNow());
            json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
            json.WriteString("system", RuntimeInformation.OSDescription);
            json.WriteNumber("cpu_cores", Environment.ProcessorCount);
            json.WriteString("precision_configured", config.Precision);
            json.WriteBoolean("tf32_matrix_products", torch.backends.cuda.matmul.allow_tf32);
            json.WriteBoolean("tf32_convolutions", torch.backends.cudnn.allow_tf32);
            foreach (var (name, value) in Deciding(config)) json.WriteString(name, value);
            json.WriteEndObject();
        });

    /// <summary>What can change a bit of the result though the configuration is the same; a checkpoint carries it, a resume compares it.</summary>
    public static IReadOnlyDictionary<string, string> Deciding(RunConfig config) => new Dictionary<string, string>
    {
        ["program"] = VersionOf(typeof(RunEnvironment)),
        ["torchsharp"] = VersionOf(typeof(torch)),
        ["libtorch"] = torch.__version__,
        ["devices"] = string.Join(", ", config.Devices),
        ["precision"] = Precision.Active(config),
        ["cpu"] = Processor(),
        ["cpu_threads"] = config.OperationThreads.ToString(CultureInfo.InvariantCulture),
        ["deterministic"] = Determinism.Active(config),
        ["adam"] = FusedAdam.IsAvailable ? "fused" : "plain",
    };

    /// <summary>Libraries choose their kernels by it.</summary>
    static string Processor()
    {
        var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal));
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>Largest resident memory of this process so far, bytes (VmHWM); 0 when the kernel does not tell.</summary>
    public static long PeakMemoryBytes()
    {
        const string key = "VmHWM:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith(key, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }

    static string VersionOf(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
