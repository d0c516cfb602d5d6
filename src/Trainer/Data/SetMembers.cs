using System.Formats.Tar;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The files of a folder or of an uncompressed .tar by their names within it. A tar is walked once and then read positionally: each
/// member is a range of a file, as a file of a folder is. Immutable; safe from any thread.
/// </summary>
sealed class SetMembers
{
    const int Most = 10_000_000;

    readonly Dictionary<string, Range> members = new(StringComparer.Ordinal);

    SetMembers(string path) => Path = path;

    readonly record struct Range(string File, long Offset, long Length);

    public string Path { get; }

    /// <summary>Names with `/` between folders.</summary>
    public IReadOnlyCollection<string> Names => members.Keys;

    public bool Has(string name) => members.ContainsKey(name);

    /// <summary>What a member is called in messages.</summary>
    public string SubjectOf(string name) => $"{Path} : {name}";

    public byte[] Read(string name)
    {
        var range = members[name];
        if (range.Length > Array.MaxLength) throw new UserError(SubjectOf(name), $"{range.Length} bytes", "less than 2 GB", "Split the set");
        try
        {
            using var handle = File.OpenHandle(range.File);
            var content = new byte[range.Length];
            for (var done = 0; done < content.Length;)
            {
                var got = RandomAccess.Read(handle, content.AsSpan(done), range.Offset + done);
                if (got == 0) throw new UserError(SubjectOf(name), $"ends after {done} bytes", $"{content.Length}", "Copy the set again");
                done += got;
            }

            return content;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(SubjectOf(name), error);
        }
    }

    public HostArray ReadArray(string name) => Npy.Read(Read(name), SubjectOf(name));

    public static SetMembers Open(string path)
    {
        var opened = new SetMembers(path);
        try
        {
            if (Directory.Exists(path)) opened.ListFolder();
            else opened.ListTar();
            return opened;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
        catch (Exception error) when (error is InvalidDataException or FormatException or ArgumentException)
        {
            throw new UserError(path, $"no readable tar ({error.Message})", "an uncompressed .tar", "Make it with `tar -cf`", inner: error);
        }
    }

    void ListFolder()
    {
        foreach (var file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
            Add(System.IO.Path.GetRelativePath(Path, file).Replace('\\', '/'), new Range(file, 0, new FileInfo(file).Length));
    }

    void ListTar()
    {
        using var stream = File.OpenRead(Path);
        using var tar = new TarReader(stream);
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
            var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.DataOffset < 0 || entry.Length > stream.Length - entry.DataOffset)
                throw new UserError(Path, $"{name} of {entry.Length} bytes ends beyond the file's {stream.Length}", "a whole tar", "Copy it again");
            Add(name, new Range(Path, entry.DataOffset, entry.Length));
        }
    }

    void Add(string name, Range range)
    {
        if (members.Count == Most) throw new UserError(Path, $"more than {Most} files", "an evaluation set", "Name the set's own folder");
        members[name] = range;
    }

    static UserError Unreadable(string subject, Exception error) =>
        new(subject, $"cannot be read ({error.Message})", "a file, a folder or a .tar", "Check the path and its rights", inner: error);
}
