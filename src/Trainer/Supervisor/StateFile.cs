using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The daemon's small state files. A disk that refuses is a line in the log: the daemon goes on with what it knows.</summary>
static class StateFile
{
    public static void Write<T>(string path, T value, JsonTypeInfo<T> type, ILogger log)
    {
        try
        {
            DurableFile.Replace(path, stream => JsonSerializer.Serialize(stream, value, type));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.Warning("{Path} cannot be written ({Reason}); it is not remembered over a restart of the daemon", path, error.Message);
        }
    }

    /// <summary>Null: there is none, or it cannot be read.</summary>
    public static T? Read<T>(string path, JsonTypeInfo<T> type, ILogger log)
        where T : class
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), type) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            log.Warning("{Path} cannot be read ({Reason}); going on without it", path, error.Message);
            return null;
        }
    }
}
