using System.Text;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Records of a comma-separated file: quoted fields with doubled quotes and line breaks inside; LF, CRLF or CR ends a record.
/// </summary>
sealed class CsvFields(TextReader reader)
{
    readonly StringBuilder field = new();

    /// <summary>Reads the next record into <paramref name="record"/> (empty for a blank line); false at the end of the file.</summary>
    public bool ReadRecord(List<string> record)
    {
        record.Clear();
        if (reader.Peek() < 0) return false;
        field.Clear();
        var quoted = false;
        var anything = false;
        while (true)
        {
            var next = reader.Read();
            if (quoted && next >= 0)
            {
                if (next != '"') field.Append((char)next);
                else if (reader.Peek() == '"') field.Append((char)reader.Read());
                else quoted = false;
                continue;
            }

            if (next is < 0 or '\n' or '\r')
            {
                if (next == '\r' && reader.Peek() == '\n') reader.Read();
                if (anything) record.Add(field.ToString());
                return true;
            }

            anything = true;
            if (next == ',')
            {
                record.Add(field.ToString());
                field.Clear();
            }
            else if (next == '"' && field.Length == 0)
            {
                quoted = true;
            }
            else
            {
                field.Append((char)next);
            }
        }
    }
}
