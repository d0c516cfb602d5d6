using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;

namespace Mcn.Web.Trainer.Tests.Host.Checks;

public sealed class EnvironmentChecksTests
{
    static readonly UcxReading None = new(null, []), Mapped = new("/opt/hpcx/lib/libucs.so.0", ["/opt/hpcx/lib/libucs.so.0"]), OnPath = new(null, ["/opt/hpcx/lib/libucs.so.0"]);

    [Theory]
    [InlineData("LD_PRELOAD", "/opt/x/libasan.so", "ld-preload")]
    [InlineData("DOTNET_GCHeapHardLimit", "10000000", "dotnet-variables")]
    [InlineData("COMPlus_EnableAVX2", "0", "dotnet-variables")]
    [InlineData("DOTNET_DbgMiniDumpType", "4", "dotnet-variables")]
    [InlineData("CUBLAS_WORKSPACE_CONFIG", ":0:0", "cublas-workspace")]
    [InlineData("OMP_NUM_THREADS", "many", "openmp-threads")]
    [InlineData("OMP_PROC_BIND", "true", "openmp-threads")]
    public void A_trap_is_one_warning_with_its_name_and_the_line_that_takes_it_away(string name, string value, string id)
    {
        var check = Assert.Single(Judge(None, (name, value)), one => one.State != CheckState.Ok);
        Assert.Equal((id, CheckState.Warning), (check.Id, check.State));
        Assert.Contains(value, check.Found, StringComparison.Ordinal);
        Assert.NotEmpty(check.Remedy);
    }

    [Theory]
    [InlineData("LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")]
    [InlineData("DOTNET_EnableAVX2", "1")]
    [InlineData("DOTNET_DbgMiniDumpType", "1")]
    [InlineData("CUBLAS_WORKSPACE_CONFIG", ":4096:8")]
    [InlineData("OMP_NUM_THREADS", "8")]
    [InlineData("OMP_PROC_BIND", "false")]
    [InlineData("UCX_TLS", "tcp")]
    public void What_harms_nothing_is_ok(string name, string value) => Assert.All(Judge(None, (name, value)), check => Assert.Equal(CheckState.Ok, check.State));

    [Fact]
    public void UCX_in_the_process_is_a_fail_until_it_leaves_signals_alone()
    {
        Assert.Equal(CheckState.Fail, Ucx(Mapped).State);
        Assert.Contains("UCX_HANDLE_ERRORS=none", Ucx(Mapped).Remedy, StringComparison.Ordinal);
        Assert.Equal(CheckState.Ok, Ucx(Mapped, ("UCX_HANDLE_ERRORS", "none")).State);
        Assert.Equal(CheckState.Ok, Ucx(Mapped, ("UCX_ERROR_SIGNALS", "")).State);
        Assert.Equal(CheckState.Fail, Ucx(Mapped, ("UCX_HANDLE_ERRORS", "bt")).State);
        Assert.Equal(CheckState.Warning, Ucx(OnPath).State);
        Assert.Equal(CheckState.Ok, Ucx(OnPath, ("UCX_ERROR_SIGNALS", "")).State);
    }

    [Fact]
    public void UCX_is_found_on_the_library_path_and_among_what_is_loaded()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("libucs.so.0.0.0"), "");
        Assert.Equal([folder.File("libucs.so.0.0.0")], UcxReading.Read($"/nowhere:{folder.Path}:", null).OnPath);
        Assert.Equal("/opt/hpcx/libucs.so.0", UcxReading.Read(null, "7f00-7f01 r-xp 00000000 08:01 12   /opt/hpcx/libucs.so.0\n7f02-7f03 rw-p 00000000 00:00 0 \n").Mapped);
    }

    static Check Ucx(UcxReading ucx, params (string, string)[] variables) => Judge(ucx, variables).Single(check => check.Id == "ucx");

    static IEnumerable<Check> Judge(UcxReading ucx, params (string Name, string Value)[] variables) =>
        EnvironmentChecks.Judge(variables.ToDictionary(one => one.Name, one => one.Value), ucx);
}
