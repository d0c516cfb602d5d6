using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>The wording of what the importers refuse: one place, so that every message names the place in the file.</summary>
internal static class Refusal
{
    public const string Damaged = "The file is damaged or was not written completely: copy or make it again";

    /// <summary>Something wrong at a byte of a binary file.</summary>
    public static UserError At(string subject, long offset, string found, string expected = "", string remedy = Damaged) =>
        new(subject, $"at byte {offset}: {found}", expected, remedy);

    /// <summary>The operating system refused to open or read a file.</summary>
    public static UserError Io(string path, Exception cause) => cause switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new(path, "there is no such file", "", "Check the path and the folder it is relative to", inner: cause),
        UnauthorizedAccessException =>
            new(path, "may not be opened (a folder, or no permission)", "a readable file", "Check the path and its permissions", inner: cause),
        _ => new(path, $"cannot be read ({cause.Message})", "", "Check the disk or the network mount", inner: cause),
    };

    /// <summary>Whether an exception comes from the file system and is to be told with <see cref="Io"/>.</summary>
    public static bool IsIo(Exception e) =>
        e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException or System.Security.SecurityException;

    /// <summary>Text from a file, made fit for one line of a message: control characters replaced, cut at 80 characters.</summary>
    public static string Show(string fromFile)
    {
        var cut = fromFile.Length > 80 ? fromFile[..80] + "..." : fromFile;
        return string.Create(cut.Length, cut, static (line, text) =>
        {
            for (var i = 0; i < line.Length; i++) line[i] = char.IsControl(text[i]) || char.IsSurrogate(text[i]) ? '?' : text[i];
        });
    }
}
