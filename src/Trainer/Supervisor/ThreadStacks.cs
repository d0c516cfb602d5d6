using System.Globalization;
using System.Text;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>Where the threads of a living process wait, from /proc: taken before a hanging worker is ended. Bounded; reads only.</summary>
static class ThreadStacks
{
    const int MostThreads = 256;

    public static string Collect(int pid)
    {
        var text = new StringBuilder();
        try
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{pid}/task").Take(MostThreads))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"thread {Path.GetFileName(task)} {Read(task, "comm")}");
                text.AppendLine(CultureInfo.InvariantCulture, $"  state {State(task)}; waits in {Read(task, "wchan")}; call {Read(task, "syscall")}");
                var stack = Read(task, "stack");
                if (stack.Length > 0) text.AppendLine(CultureInfo.InvariantCulture, $"  {stack.Replace("\n", "\n  ", StringComparison.Ordinal)}");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"[{error.Message}]");
        }

        return text.ToString();
    }

    static string State(string task) =>
        Read(task, "status").Split('\n').FirstOrDefault(line => line.StartsWith("State:", StringComparison.Ordinal))?["State:".Length..].Trim() ?? "?";

    static string Read(string task, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, file)).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ""; // not readable for this user, or the thread has ended
        }
    }
}
