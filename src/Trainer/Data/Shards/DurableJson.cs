using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>The small files of a pack: written under a temporary name, flushed to the disk, renamed; read with a message that names the file.</summary>
static class DurableJson
{
    public static void Write<T>(string path, T value, JsonTypeInfo<T> type) => Write(path, stream => JsonSerializer.Serialize(stream, value, type));

    public static void Write(string path, Action<Stream> write)
    {
        var temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            if (File.Exists(temporary)) File.Delete(temporary);
        }
    }

    /// <param name="hash">XXH3-64 that the bytes must have; null: any.</param>
    public static T Read<T>(string path, JsonTypeInfo<T> type, string? hash = null)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (hash is not null && ShardCheck.HashOf(bytes) is var found && found != hash)
                throw new UserError(path, $"checksum {found}", $"{hash}, as in {ShardFormat.Manifest}", ShardCheck.Remedy);
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new UserError(path, $"a JSON error ({error.Message})", "a file of `data pack`", ShardCheck.Remedy, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Import.Refusal.Io(path, error);
        }
    }
}
