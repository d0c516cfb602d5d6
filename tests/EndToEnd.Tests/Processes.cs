namespace Mcn.Web.EndToEnd.Tests;

/// <summary>Processes that work on a folder, found by their command lines.</summary>
public static class Processes
{
    public static IReadOnlyList<(int Id, string Line)> On(string folder) =>
        [.. Directory.GetDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out var id) ? id : 0).Where(id => id > 0)
            .Select(id => (Id: id, Line: CommandLine(id))).Where(process => process.Line.Contains(folder, StringComparison.Ordinal))];

    /// <summary>The worker of the folder's run; null while there is none.</summary>
    public static int? Worker(string folder) =>
        On(folder).Where(process => process.Line.Contains(" work --run ", StringComparison.Ordinal)).Select(process => (int?)process.Id).FirstOrDefault();

    public static void Signal(int process, string name)
    {
        using var kill = System.Diagnostics.Process.Start("kill", [$"-{name}", $"{process}"]);
        kill.WaitForExit();
    }

    static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ""; // it has ended
        }
    }
}
