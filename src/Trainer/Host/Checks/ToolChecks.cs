namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>What building and testing take; nothing of it is missed by a program that runs. Pure but for the look along PATH.</summary>
static class ToolChecks
{
    static readonly (Precondition Tool, string[] Commands, string Packages)[] All =
    [
        (new("tool-node", "npm, to build the dashboard's page"), ["npm"], "nodejs npm"),
        (new("tool-gcc", "gcc and objdump, to make the stand-in where libstdc++ is too old, and for the tests"), ["gcc", "objdump"], "gcc libc6-dev binutils"),
        (new("tool-chromium", "Chromium, for the tests of the page"), ["chromium"], "chromium fonts-noto-cjk"),
    ];

    public static IEnumerable<Check> Read() => Judge(command => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Join(folder, command)).FirstOrDefault(File.Exists));

    /// <param name="find">Path of a command, or null.</param>
    public static IEnumerable<Check> Judge(Func<string, string?> find) =>
        from one in All
        let missing = one.Commands.FirstOrDefault(command => find(command) is null)
        select missing is null ? one.Tool.Ok(string.Join(", ", one.Commands.Select(find)))
            : one.Tool.Unknown($"{missing} is not on PATH; running does not need it", $"sudo apt-get install -y --no-install-recommends {one.Packages}");
}
