using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>The runtime, the processor and the C++ library that libtorch needs. Judgements are pure.</summary>
static class ProgramChecks
{
    const string Wanted = "GLIBCXX_3.4.32";

    public static readonly Precondition Runtime = new("dotnet-runtime", ".NET 10");
    public static readonly Precondition Processor = new("cpu-instructions", "x86-64 with AVX2 and FMA, which libtorch's fast kernels use");
    public static readonly Precondition StandardLibrary = new("libstdcxx", $"a libstdc++.so.6 with {Wanted} (Ubuntu 24.04, Debian 13), or our stand-in before it");

    public static Check JudgeRuntime(string description, Version version) => version.Major == 10
        ? Runtime.Ok(description)
        : Runtime.Warning($"{description}: the program was built and tested on .NET 10", "Install the .NET 10 runtime (https://dotnet.microsoft.com/download) and unset DOTNET_ROLL_FORWARD");

    public static Check ReadProcessor() => JudgeProcessor(RuntimeInformation.ProcessArchitecture, Avx2.IsSupported && Fma.IsSupported, Avx512F.IsSupported);

    public static Check JudgeProcessor(Architecture architecture, bool avx2, bool avx512) => (architecture, avx2) switch
    {
        (not Architecture.X64, _) => Processor.Fail($"{architecture}", "libtorch's packages are for x86-64 Linux only: use such a machine"),
        (_, false) => Processor.Warning("x86-64 without AVX2 or FMA", "Unset DOTNET_EnableAVX2 and DOTNET_EnableHWIntrinsic; in a virtual machine, give it the host's processor (-cpu host). Otherwise training on the CPU is several times slower"),
        _ => Processor.Ok(avx512 ? "AVX2, FMA, AVX-512" : "AVX2, FMA"),
    };

    /// <param name="Path">Of a libstdc++.so.6 that this process has loaded.</param>
    /// <param name="HasVersion">The symbol version is in it.</param>
    public sealed record LoadedLibrary(string Path, bool HasVersion);

    public static IReadOnlyList<LoadedLibrary> ReadStandardLibrary() =>
    [
        .. MappedFiles.Of(ProcText.Read("/proc/self/maps")).Where(path => Path.GetFileName(path).StartsWith("libstdc++.so", StringComparison.Ordinal))
            .Select(path => new LoadedLibrary(path, File.ReadAllBytes(path).AsSpan().IndexOf("GLIBCXX_3.4.32"u8) >= 0)),
    ];

    public static Check JudgeStandardLibrary(IReadOnlyList<LoadedLibrary> loaded)
    {
        if (loaded.Count == 0) return StandardLibrary.Unknown("none is loaded in this process", "apt-get install -y libstdc++6");
        var (good, old) = (loaded.FirstOrDefault(one => one.HasVersion), loaded.FirstOrDefault(one => !one.HasVersion));
        if (good is null)
        {
            return StandardLibrary.Fail($"{old!.Path} lacks it: libtorch cannot be loaded",
                "Start the program through ./mcn, which makes the stand-in (it needs gcc and binutils: sudo apt-get install -y gcc libc6-dev binutils); by hand: export LD_LIBRARY_PATH=$(deploy/scripts/libstdcxx-standin.sh DIR)");
        }

        return StandardLibrary.Ok(old is null ? good.Path : $"the stand-in {good.Path} is in use, over {old.Path}, which lacks it");
    }
}

/// <summary>Files mapped into a process, from the text of its `maps`.</summary>
static class MappedFiles
{
    public static IReadOnlyList<string> Of(string? maps) =>
        [.. (maps ?? "").Split('\n').Select(line => line.IndexOf('/', StringComparison.Ordinal) is var at and >= 0 ? line[at..] : "").Where(path => path.Length > 0).Distinct()];
}
