using System.Text;

namespace Btrfs.Stream;

/// <summary>Turns the names of the enums into those of the format, so that no second list of them can drift.</summary>
internal static class FieldName
{
    /// <summary>"SetXattr" becomes "set_xattr".</summary>
    public static string FromPascalCase(string name)
    {
        StringBuilder result = new();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && result.Length > 0)
                result.Append('_');

            result.Append(char.ToLowerInvariant(c));
        }

        return result.ToString();
    }
}
