namespace Btrfs.Stream.Dump;

/// <summary>
/// Prints times as strftime does in a time zone, for every year that fits the C library's. Offsets are those of
/// <see cref="TimeZoneInfo"/>: whole minutes, where local mean times before about 1900 had seconds. Not thread-safe.
/// </summary>
public sealed class LocalClock
{
    /// <summary>Longest text: a year of 11 characters, the rest 20.</summary>
    public const int MaxBytes = 31;

    private const long SecondsPerDay = 86400;
    private const long DaysPerCycle = 146097; // 400 years, which are whole weeks: the rules of a zone repeat.
    private const long SecondsPerCycle = DaysPerCycle * SecondsPerDay;
    private const long FirstSecond = -62135596800; // 0001-01-01
    private const long SecondsBeyondRules = 221845392000; // 9000-01-01
    private const long FarthestSecond = 100_000_000_000_000_000; // Beyond any year of 32 bits; keeps the sums below from overflow.
    private const long BucketSeconds = 900;

    private readonly TimeZoneInfo _zone;
    private long _bucket = long.MinValue;
    private int _offsetSeconds;

    public LocalClock(TimeZoneInfo zone) => _zone = zone;

    /// <summary>Prints a time, given in seconds since 1970, as "%FT%T%z"; false where its year does not fit 32 bits.</summary>
    public bool TryFormat(long seconds, Span<byte> text, out int written)
    {
        if (!TryFormatDateTime(seconds, 'T', text, out written))
            return false;

        int offset = OffsetAt(seconds);
        int minutes = Math.Abs(offset) / 60;
        Put(text, ref written, offset < 0 ? '-' : '+', minutes / 60);
        PutTwoDigits(text, ref written, minutes % 60);
        return true;
    }

    /// <summary>The same as "%F" and "%T" with <paramref name="separator"/> between them.</summary>
    public bool TryFormatDateTime(long seconds, char separator, Span<byte> text, out int written)
    {
        written = 0;
        if (seconds is > FarthestSecond or < -FarthestSecond)
            return false;

        int offset = OffsetAt(seconds);
        (long days, long secondOfDay) = FloorDivide(seconds + offset, SecondsPerDay);
        (long year, int month, int day) = CivilDate(days);
        // The C library counts years from 1900 in an int, and prints that plus 1900 as an int again.
        if (year - 1900 is > int.MaxValue or < int.MinValue)
            return false;

        unchecked((int)year).TryFormat(text, out written);
        Put(text, ref written, '-', month);
        Put(text, ref written, '-', day);
        Put(text, ref written, separator, (int)(secondOfDay / 3600));
        Put(text, ref written, ':', (int)(secondOfDay / 60 % 60));
        Put(text, ref written, ':', (int)(secondOfDay % 60));
        return true;
    }

    // Asking the zone is slow, and the times of a stream are close together. Zones change their offset at a quarter of an hour.
    private int OffsetAt(long seconds)
    {
        long bucket = FloorDivide(seconds, BucketSeconds).Quotient;
        if (bucket == _bucket)
            return _offsetSeconds;

        long known = Math.Max(seconds, FirstSecond);
        if (known >= SecondsBeyondRules)
            known = SecondsBeyondRules - SecondsPerCycle + ((known - SecondsBeyondRules) % SecondsPerCycle);

        _offsetSeconds = (int)_zone.GetUtcOffset(DateTimeOffset.FromUnixTimeSeconds(known)).TotalSeconds;
        _bucket = bucket;
        return _offsetSeconds;
    }

    // The proleptic Gregorian date of a day counted from 1970-01-01. Years begin in March inside, so that the leap day comes last.
    private static (long Year, int Month, int Day) CivilDate(long days)
    {
        const long MarchOfYearZero = 719468;
        (long cycle, long dayOfCycle) = FloorDivide(days + MarchOfYearZero, DaysPerCycle);
        long yearOfCycle = (dayOfCycle - (dayOfCycle / 1460) + (dayOfCycle / 36524) - (dayOfCycle / 146096)) / 365;
        long dayOfYear = dayOfCycle - ((365 * yearOfCycle) + (yearOfCycle / 4) - (yearOfCycle / 100));
        long monthFromMarch = ((5 * dayOfYear) + 2) / 153;
        int day = (int)(dayOfYear - (((153 * monthFromMarch) + 2) / 5)) + 1;
        int month = (int)(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9);
        long year = (cycle * 400) + yearOfCycle + (month <= 2 ? 1 : 0);
        return (year, month, day);
    }

    private static (long Quotient, long Remainder) FloorDivide(long value, long divisor)
    {
        (long quotient, long remainder) = Math.DivRem(value, divisor);
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder);
    }

    private static void Put(Span<byte> text, ref int written, char separator, int value)
    {
        text[written++] = (byte)separator;
        PutTwoDigits(text, ref written, value);
    }

    private static void PutTwoDigits(Span<byte> text, ref int written, int value)
    {
        text[written++] = (byte)('0' + (value / 10));
        text[written++] = (byte)('0' + (value % 10));
    }
}
