namespace Mcn.Web.Trainer.Import;

/// <summary>Opens a large file that is read once from front to back; what goes wrong is a UserError.</summary>
internal static class SequentialFile
{
    public static FileStream Open(string path)
    {
        FileStream stream;
        try
        {
            // No buffer here: the readers have their own.
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (Refusal.IsIo(e))
        {
            throw Refusal.Io(path, e);
        }

        if (stream.CanSeek) return stream;
        stream.Dispose();
        throw Refusal.At(path, 0, "a pipe or device", "a regular file", "Save it to a file first");
    }
}
