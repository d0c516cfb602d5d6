using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>
/// How far a check has come, in an append-only file of JSON lines: a header with the format version and the identity of what is checked,
/// then one line for each finished chunk of videos. A torn last line is ignored; a file of another identity or version is begun anew.
/// Its caller holds the lock.
/// </summary>
sealed class CheckState : IDisposable
{
    const int FormatVersion = 1;

    readonly FileStream file;

    CheckState(FileStream file) => this.file = file;

    /// <summary>Finished chunks as the file had them when it was opened.</summary>
    public List<CheckedChunk> Finished { get; } = [];

    public static CheckState Open(string path, string identity)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException error) when (error is not DirectoryNotFoundException)
        {
            throw new UserError(path, "another check writes it", "one check of a data set at a time", "Wait for it", ExitCodes.Refused, error);
        }

        var state = new CheckState(file);
        state.Load(identity);
        return state;
    }

    public void Append(CheckedChunk chunk)
    {
        Write(new JsonObject
        {
            ["chunk"] = chunk.Number,
            ["bytes"] = chunk.Bytes,
            ["findings"] = new JsonArray([.. chunk.Findings.Select(finding => (JsonNode)CheckReport.ToJson(finding))]),
        });
    }

    /// <summary>The check is complete: the next one starts from the beginning.</summary>
    public void Delete() => File.Delete(file.Name);

    public void Dispose() => file.Dispose();

    void Load(string identity)
    {
        var content = new byte[file.Length];
        file.ReadExactly(content);
        var whole = 0; // bytes of the lines that are complete
        for (var end = Array.IndexOf(content, (byte)'\n', 0); end >= 0; end = Array.IndexOf(content, (byte)'\n', whole))
        {
            if (Parse(content.AsSpan(whole, end - whole)) is not { } line) break;
            if (whole == 0)
            {
                if ((int?)line["format_version"] != FormatVersion || (string?)line["identity"] != identity) break;
            }
            else
            {
                var findings = line["findings"]!.AsArray().Select(node => CheckReport.FindingFrom(node!.AsObject())).ToList();
                Finished.Add(new CheckedChunk((int)line["chunk"]!, (long)line["bytes"]!, findings));
            }

            whole = end + 1;
        }

        file.SetLength(whole);
        file.Position = whole;
        if (whole == 0) Write(new JsonObject { ["format_version"] = FormatVersion, ["identity"] = identity });
    }

    void Write(JsonObject line)
    {
        file.Write(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        file.Flush();
    }

    static JsonObject? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null; // torn by a kill
        }
    }
}

/// <param name="Number">Of the chunk, from 0.</param>
/// <param name="Bytes">Of the files read.</param>
sealed record CheckedChunk(int Number, long Bytes, List<Finding> Findings);
