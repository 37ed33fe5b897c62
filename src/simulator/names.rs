//! Name material for the generated fleet: countries with their scripts, dialling codes, trades, people and cities,
//! and names that need escaping. Only data and how a name is composed; `generate` draws the random numbers.

/// A country of the fleet: what its businesses, people and telephone numbers look like.
#[derive(Debug, PartialEq)]
pub(super) struct Locale {
    pub(super) country: &'static str,
    pub(super) language: &'static str,
    pub(super) timezone: &'static str,
    /// The calling code followed by the digits every mobile number there starts with.
    pub(super) dial: &'static str,
    /// Digits that follow `dial`.
    pub(super) digits: u32,
    pub(super) order: Order,
    pub(super) owners: &'static [&'static str],
    pub(super) trades: &'static [&'static str],
    pub(super) people: &'static [&'static str],
    pub(super) cities: &'static [(&'static str, &'static str)],
}

/// How a business name is put together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// "Müller Bäckerei"
    OwnerTrade,
    /// "Padaria Silva"
    TradeOwner,
    /// "さくら商店": no space between the two
    Joined,
}

impl Locale {
    /// The business name of an owner and a trade.
    pub(super) fn business(&self, owner: &str, trade: &str) -> String {
        match self.order {
            Order::OwnerTrade => format!("{owner} {trade}"),
            Order::TradeOwner => format!("{trade} {owner}"),
            Order::Joined => format!("{owner}{trade}"),
        }
    }
}

/// Names that break careless escaping: they occur in every fleet that is large enough.
pub(super) const AWKWARD: &[&str] = &[
    r#"Bar "El Rincón" 🍷"#,
    r"Back\Slash Studio",
    "O'Brien & Söhne \"GmbH\"",
    "🌮 Taquería 24/7 🌮",
    "<b>Bold</b> & Partners",
    "Two\nLines Ltd",
    r#"C:\Games "Ω""#,
    "{braces=\"1\"} 1, 2",
    "Zoë's Café — #1 in Town, 100%",
    "👩‍👩‍👧 Famille & Cie",
];

/// The sectors of `meta_info.business_vertical`.
#[rustfmt::skip]
pub(super) const VERTICALS: &[&str] = &[
    "Retail", "Education", "Finance", "Health", "Travel", "Restaurant", "Automotive", "Beauty", "Nonprofit", "Other",
];

/// Every country of the fleet. A row of a table rather than a struct a page: left as it is by the formatter.
#[rustfmt::skip]
pub(super) const LOCALES: &[Locale] = &[
    Locale {
        country: "DE", language: "de", timezone: "Europe/Berlin", dial: "49151", digits: 8, order: Order::OwnerTrade,
        owners: &["Müller", "Schäfer", "Köhler", "Weiß", "Jäger", "Großmann", "Öztürk", "Vogt"],
        trades: &["Bäckerei", "Apotheke", "Reisebüro", "Möbelhaus", "Fahrschule", "Zahnärzte", "Versicherungen"],
        people: &["Jürgen Groß", "Anke Schröder", "Björn Köster", "Käthe Lüders"],
        cities: &[("München", "80331"), ("Köln", "50667"), ("Düsseldorf", "40213"), ("Berlin", "10115")],
    },
    Locale {
        country: "BR", language: "pt_BR", timezone: "America/Sao_Paulo", dial: "55119", digits: 8, order: Order::TradeOwner,
        owners: &["Silva", "São João", "Araújo", "Conceição", "Gonçalves", "Irmãos Brandão", "Pôr do Sol"],
        trades: &["Padaria", "Clínica", "Imobiliária", "Farmácia", "Colégio", "Autopeças", "Pet Shop"],
        people: &["João Araújo", "Márcia Conceição", "Antônio Gonçalves", "Patrícia Brandão"],
        cities: &[("São Paulo", "01310-100"), ("Brasília", "70040-010"), ("Goiânia", "74003-010")],
    },
    Locale {
        country: "MX", language: "es_MX", timezone: "America/Mexico_City", dial: "5255", digits: 8, order: Order::TradeOwner,
        owners: &["Ibáñez", "La Güera", "Núñez", "El Ángel", "Hernández", "Doña Lucía"],
        trades: &["Taquería", "Refacciones", "Óptica", "Ferretería", "Florería", "Inmobiliaria"],
        people: &["José Ibáñez", "Lucía Núñez", "Ángel Hernández"],
        cities: &[("Ciudad de México", "06000"), ("Mérida", "97000"), ("León", "37000")],
    },
    Locale {
        country: "FR", language: "fr", timezone: "Europe/Paris", dial: "336", digits: 8, order: Order::TradeOwner,
        owners: &["Lefèvre", "Bérénice", "Château-Thierry", "Noël & Fils", "de l'Étoile", "François"],
        trades: &["Boulangerie", "Pharmacie", "Agence", "Librairie", "Fromagerie", "Garage"],
        people: &["Hélène Lefèvre", "François Noël", "Zoé Béranger"],
        cities: &[("Orléans", "45000"), ("Nîmes", "30000"), ("Paris", "75001")],
    },
    Locale {
        country: "PL", language: "pl", timezone: "Europe/Warsaw", dial: "4851", digits: 7, order: Order::TradeOwner,
        owners: &["Łukasz", "Żółw", "Świerk", "Dąbrowski", "Źródło", "Jabłoński"],
        trades: &["Piekarnia", "Apteka", "Księgarnia", "Szkoła", "Warsztat"],
        people: &["Łukasz Dąbrowski", "Małgorzata Jabłońska"],
        cities: &[("Łódź", "90-001"), ("Kraków", "30-001"), ("Gdańsk", "80-001")],
    },
    Locale {
        country: "TR", language: "tr", timezone: "Europe/Istanbul", dial: "9053", digits: 8, order: Order::OwnerTrade,
        owners: &["Yıldız", "Güneş", "Çınar", "Öz", "Şahin", "İpek"],
        trades: &["Eczanesi", "Lokantası", "Sigorta", "Mobilya", "Kuaförü"],
        people: &["Ayşe Yıldız", "İbrahim Şahin"],
        cities: &[("İstanbul", "34000"), ("İzmir", "35000"), ("Eskişehir", "26000")],
    },
    Locale {
        country: "KZ", language: "ru", timezone: "Asia/Almaty", dial: "7701", digits: 7, order: Order::TradeOwner,
        owners: &["«Ромашка»", "«Берёза»", "«Жұлдыз»", "«Северный ветер»", "«Алатау»", "«Ёлка»"],
        trades: &["Аптека", "Пекарня", "Автосервис", "Школа", "Клиника", "Книжный дом"],
        people: &["Алия Серікқызы", "Фёдор Соловьёв", "Нұрлан Әбенов"],
        cities: &[("Алматы", "050000"), ("Астана", "010000"), ("Қарағанды", "100000")],
    },
    Locale {
        country: "UA", language: "uk", timezone: "Europe/Kyiv", dial: "38067", digits: 7, order: Order::TradeOwner,
        owners: &["«Їжак»", "«Соняшник»", "«Калина»", "«Ґанок»", "«Зоря»"],
        trades: &["Кав'ярня", "Аптека", "Книгарня", "Майстерня", "Школа"],
        people: &["Олена Їжакевич", "Андрій Ґудзь"],
        cities: &[("Київ", "01001"), ("Львів", "79000"), ("Одеса", "65000")],
    },
    Locale {
        country: "GR", language: "el", timezone: "Europe/Athens", dial: "3069", digits: 8, order: Order::TradeOwner,
        owners: &["Παπαδόπουλος", "Η Ελιά", "Αιγαίο", "Ωκεανός", "Αφοί Νικολάου"],
        trades: &["Φαρμακείο", "Φούρνος", "Ταβέρνα", "Ξενοδοχείο", "Βιβλιοπωλείο"],
        people: &["Γιώργος Παπαδόπουλος", "Ελένη Νικολάου"],
        cities: &[("Αθήνα", "10431"), ("Θεσσαλονίκη", "54622"), ("Ηράκλειο", "71202")],
    },
    Locale {
        country: "AE", language: "ar", timezone: "Asia/Dubai", dial: "97150", digits: 7, order: Order::TradeOwner,
        owners: &["النخيل", "الواحة", "الأمل", "الفجر", "بن راشد", "اللؤلؤة"],
        trades: &["صيدلية", "مطعم", "مدرسة", "عيادة", "شركة عقارات", "مخبز"],
        people: &["أحمد بن راشد", "فاطمة الزهراء"],
        cities: &[("دبي", "00000"), ("أبو ظبي", "00000"), ("الشارقة", "00000")],
    },
    Locale {
        country: "EG", language: "ar", timezone: "Africa/Cairo", dial: "2010", digits: 8, order: Order::TradeOwner,
        owners: &["النيل", "الأهرام", "السلام", "الحاج محمود", "المصرية"],
        trades: &["مكتبة", "صيدلية", "مخبز", "معرض", "ورشة"],
        people: &["محمود السيد", "نهى إبراهيم"],
        cities: &[("القاهرة", "11511"), ("الإسكندرية", "21500")],
    },
    Locale {
        country: "IL", language: "he", timezone: "Asia/Jerusalem", dial: "97254", digits: 7, order: Order::TradeOwner,
        owners: &["הגליל", "כהן", "הזית", "שקד"],
        trades: &["מאפיית", "בית מרקחת", "מסעדת", "מוסך"],
        people: &["נועה כהן", "איתן לוי"],
        cities: &[("תל אביב", "6100000"), ("חיפה", "3100000")],
    },
    Locale {
        country: "IN", language: "hi", timezone: "Asia/Kolkata", dial: "9198", digits: 8, order: Order::OwnerTrade,
        owners: &["श्री गणेश", "शर्मा", "लक्ष्मी", "गुप्ता", "अन्नपूर्णा", "भारत"],
        trades: &["मिष्ठान्न भंडार", "मेडिकल स्टोर", "विद्यालय", "ज्वैलर्स", "ट्रैवल्स", "वस्त्रालय"],
        people: &["राजेश शर्मा", "सुनीता गुप्ता", "अमित वर्मा"],
        cities: &[("दिल्ली", "110001"), ("मुंबई", "400001"), ("जयपुर", "302001")],
    },
    Locale {
        country: "TH", language: "th", timezone: "Asia/Bangkok", dial: "668", digits: 8, order: Order::Joined,
        owners: &["สยาม", "บ้านสวน", "ทองดี", "เจริญสุข", "น้ำผึ้ง"],
        trades: &["การยา", "เบเกอรี่", "ทัวร์", "คลินิก", "เฟอร์นิเจอร์"],
        people: &["สมชาย ใจดี", "สุดา ทองดี"],
        cities: &[("กรุงเทพฯ", "10200"), ("เชียงใหม่", "50000")],
    },
    Locale {
        country: "HK", language: "zh_HK", timezone: "Asia/Hong_Kong", dial: "8526", digits: 7, order: Order::Joined,
        owners: &["永興", "金龍", "福滿", "東方", "明珠"],
        trades: &["藥房", "茶餐廳", "旅行社", "珠寶行", "書局"],
        people: &["陳大文", "李美玲"],
        cities: &[("香港", "999077"), ("九龍", "999077")],
    },
    Locale {
        country: "CN", language: "zh_CN", timezone: "Asia/Shanghai", dial: "86138", digits: 8, order: Order::Joined,
        owners: &["春天", "长城", "幸福", "江南", "海上"],
        trades: &["电子商务有限公司", "国际旅行社", "面包房", "教育中心", "大药房"],
        people: &["王小明", "张丽"],
        cities: &[("上海", "200000"), ("杭州", "310000")],
    },
    Locale {
        country: "JP", language: "ja", timezone: "Asia/Tokyo", dial: "8190", digits: 8, order: Order::Joined,
        owners: &["さくら", "山田", "ひまわり", "京都", "ミナト"],
        trades: &["商店", "薬局", "旅行", "ベーカリー", "不動産", "書店"],
        people: &["山田 太郎", "佐藤 花子"],
        cities: &[("東京", "100-0001"), ("大阪", "530-0001"), ("札幌", "060-0001")],
    },
    Locale {
        country: "KR", language: "ko", timezone: "Asia/Seoul", dial: "8210", digits: 8, order: Order::OwnerTrade,
        owners: &["한강", "서울", "행복한", "푸른", "미소"],
        trades: &["약국", "여행사", "베이커리", "부동산", "학원"],
        people: &["김민준", "이서연"],
        cities: &[("서울", "04524"), ("부산", "48058")],
    },
    Locale {
        country: "VN", language: "vi", timezone: "Asia/Ho_Chi_Minh", dial: "8490", digits: 7, order: Order::TradeOwner,
        owners: &["Hương Việt", "Phượng Hoàng", "Đông Á", "Bích Ngọc"],
        trades: &["Nhà thuốc", "Nhà hàng", "Khách sạn", "Trường"],
        people: &["Nguyễn Văn Đức", "Trần Thị Hương"],
        cities: &[("Hà Nội", "100000"), ("Đà Nẵng", "550000")],
    },
    Locale {
        country: "GB", language: "en_GB", timezone: "Europe/London", dial: "4477", digits: 8, order: Order::OwnerTrade,
        owners: &["Ashworth", "O'Connell's", "Siân & Daughters", "Thistle", "Brontë"],
        trades: &["Bakery", "Pharmacy", "Travel", "Books", "Dental Care", "Lettings"],
        people: &["Siân Hughes", "Owen Ashworth"],
        cities: &[("London", "EC1A 1BB"), ("Leeds", "LS1 1UR")],
    },
    Locale {
        country: "US", language: "en_US", timezone: "America/Chicago", dial: "1312", digits: 7, order: Order::OwnerTrade,
        owners: &["Lakeside", "Peña Brothers", "Blue Door", "Harrison", "Maple & Main"],
        trades: &["Realty", "Dental", "Auto Parts", "Coffee", "Academy", "Insurance"],
        people: &["Maria Peña", "Dale Harrison"],
        cities: &[("Chicago", "60601"), ("Evanston", "60201")],
    },
    Locale {
        country: "NG", language: "en", timezone: "Africa/Lagos", dial: "234803", digits: 7, order: Order::OwnerTrade,
        owners: &["Adébáyọ̀", "Chukwu", "Ọlá", "Zaria", "Ọmọ"],
        trades: &["Stores", "Pharmacy", "Logistics", "Schools", "Foods"],
        people: &["Ọlá Adébáyọ̀", "Ngozi Chukwu"],
        cities: &[("Lagos", "100001"), ("Abuja", "900001")],
    },
];
